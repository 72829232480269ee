"""Paint label maps in a browser, and see what a trained run draws of them.

    python demo.py                          the newest run in runs/, as make train leaves it
    python demo.py run=DIR                  this run
    python demo.py run=A compare=B          two runs beside each other, on the same map
    python demo.py run=DIR host=0.0.0.0     for others in the network, by a link with a secret
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import hydra
from omegaconf import DictConfig

from semsynth import runs
from semsynth.cli import command
from semsynth.config import listed
from semsynth.errors import ConfigError, DataError
from semsynth.shipped import CONF
from semsynth.spelling import named, typed

RUNS = Path("runs")
MISSING = ("the painting page needs the packages of the extra demo: pip install 'semsynth[demo]' (in the source tree: "
           "make setup)")


def newest_run(folder: Path = RUNS) -> Path:
    """The run whose weights are the newest.

    Raises:
        ConfigError: there is none.
    """
    found = [path for path in folder.glob(f"*/{runs.CHECKPOINTS}/last.*")
             if path.suffix in (".ckpt", ".safetensors") and (path.parents[1] / runs.CONFIG).is_file()]
    if not found:
        raise ConfigError(f"there is no trained run in {folder}/ to paint with: `make train` trains one in six minutes "
                          "on two cores (python train.py experiments=first_picture), or name one with run=DIR")
    return max(found, key=lambda path: path.stat().st_mtime).parents[1]


def paint(cfg: DictConfig) -> None:
    """Load the runs, listen, say where."""
    if not all(map(find_spec, ("starlette", "uvicorn"))):
        raise ConfigError(MISSING)
    folders = [Path(cfg.run).expanduser() if cfg.run else newest_run()]
    folders += [Path(cfg.compare).expanduser()] if cfg.compare else []
    studio = studio_of(cfg, folders)

    from semsynth.demo.app import application
    from semsynth.demo.limits import Limits
    from semsynth.serving.server import guarded, link, listening, serve

    for painter in studio.painters:
        painter.check_size()
    app = guarded(application(studio), cfg.host, listed(cfg.names) or [], cfg.token)
    with listening(cfg.host, cfg.port) as place:
        where = link(cfg.host, place.getsockname()[1], app.token)
        print(*(f"run: {folder}" for folder in folders), f"paint at {where}", "Ctrl-C ends it", sep="\n", flush=True)
        serve(app, place, Limits().connections)


def studio_of(cfg: DictConfig, folders: list[Path]) -> Any:
    """What the server draws with."""
    loaded = [runs.Run(folder, cfg.checkpoint, cfg.weights) for folder in folders]
    for run in loaded:
        run.whole("dataset")
        _ = run.checkpoint  # told before anything is imported
    import torch

    from semsynth import matmul
    from semsynth.demo.limits import Limits
    from semsynth.demo.painter import Painter
    from semsynth.demo.starts import Starts
    from semsynth.demo.studio import Studio
    from semsynth.demo.uploads import MaskReader
    from semsynth.device import chosen_device
    from semsynth.synthesis.maps import mask_decoder
    from semsynth.synthesis.recipe import Recipe
    from semsynth.synthesis.snap import Snap
    from semsynth.synthesizer import Synthesizer
    from semsynth.weights.tensor_files import sha256_of

    if cfg.threads != "auto":
        torch.set_num_threads(cfg.threads)
    torch.set_float32_matmul_precision(matmul.chosen(cfg.matmul, chosen_device(cfg.device).type))
    painters = []
    for folder in folders:
        synthesizer = Synthesizer.from_run(folder, cfg.checkpoint, cfg.weights, cfg.device)
        painters.append(Painter(synthesizer, folder.name or folder.resolve().name, _size(cfg, synthesizer.size)))
    data = loaded[0].whole("dataset").dataset
    names, colours = list(data.classes), [list(colour) for colour in data.colours]
    words = names, colours, data.get("ids"), data.get("masks")
    size = painters[0].size
    masks = MaskReader(mask_decoder(*words), mask_decoder(*words, Snap(names, colours, size)), len(names), data.unknown,
                       size, data.get("masks") == "colours")
    sums = [sha256_of(run.checkpoint) for run in loaded]

    def recipe(index: int, style: Any, files: dict[str, str]) -> str:
        return Recipe(style, sums[index]).text([redrawing(cfg, folders[index].resolve(), size, files)])

    starts = Starts(_samples(loaded[0]), size, Limits().starts)
    key = " ".join(str(folder.resolve()) for folder in folders)
    return Studio(painters, listed(data.get("ids")) or list(range(len(names))), masks, starts, recipe, key)


def redrawing(cfg: DictConfig, folder: Path, size: tuple[int, int], files: dict[str, str]) -> str:
    """The command that draws a saved map as it was drawn here."""
    picture = files["picture"].removesuffix(".png")
    words = [named("run", folder), named("input", files["map"]), named("output", picture),
             named("redraw", f"{picture.replace('picture', 'recipe', 1)}.yaml"), f"size=[{size[0]},{size[1]}]"]
    words += [named(key, cfg[key]) for key in ("checkpoint", "weights", "device", "matmul") if cfg[key] != "auto"]
    words += [f"threads={cfg.threads}"] if cfg.threads != "auto" else []
    return typed(["synthesize", *words])


def _size(cfg: DictConfig, trained: tuple[int, int]) -> tuple[int, int]:
    wish = listed(cfg.size)
    return trained if wish is None else (wish[0], wish[1])


def _samples(run: runs.Run) -> Any:
    """The validation split of a run; None where its files are not here, or an import never had any."""
    if not run.plain["dataset"].get("val"):
        return None
    try:
        return runs.validation(run.plain)
    except (ConfigError, DataError, OSError, hydra.errors.InstantiationException):
        return None


main = command(CONF / "demo.yaml")(paint)
