"""What users do with a run that somebody gave them, command by command, and runs to be damaged."""

import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import hydra.utils
import torch
import yaml
from commands import composed
from PIL import Image
from tiny_runs import make_run

from semsynth import Synthesizer, config, runs
from semsynth.commands.export import write
from semsynth.commands.report import compare
from semsynth.commands.synthesize import draw
from semsynth.evaluation import arguments
from semsynth.runs.init_from import warm_start
from semsynth.runs.resuming import check_stored_training
from semsynth.weights.run_file import PARTS, save_weights
from semsynth.weights.tensor_files import checksum

WORDS = ("size=32", "generator.ngf=2", "generator.upsamplings=5", "discriminator.ndf=4", "encoder.nef=2", "batch=2",
         "recipe.z_dim=4", "data.num_workers=0", "dataset.train_length=4", "dataset.val_length=2", "logger=csv",
         "trainer=smoke", "trainer.accelerator=cpu", "scores=none", "loss=spade_no_vgg")


def synthesizer(run: Path) -> dict[str, Any]:
    """Draw one label map in Python."""
    ours = Synthesizer.from_run(run)
    labels = torch.zeros(1, *ours.size, dtype=torch.int64)
    more = {"instances": labels} if ours.reads_instances else {}
    return {"classes": list(ours.class_names), "image": bool(ours(labels, seed=0, **more).isfinite().all())}


def synthesize(run: Path) -> dict[str, Any]:
    folder = run.parent
    Image.new("L", (32, 32)).save(folder / "map.png")
    draw(composed("synthesize", f"run={run}", f"input={folder / 'map.png'}", f"output={folder / 'pictures'}"))
    return {}


def evaluate(run: Path) -> dict[str, Any]:
    """What evaluate.py does before it reads data."""
    arguments.completed([f"run={run}"], lambda _: {"dataset": ["scenes", "folder"], "protocol": []})
    found = runs.Run(run)
    found.whole("dataset", "generator")
    return {"generator": found.generator is not None, "encoder": found.encoder is not None,
            "segmenter": found.segmenter is not None}


def export(run: Path) -> dict[str, Any]:
    """Export it, and read the export."""
    output = run.parent / "exported"
    write(composed("export", f"run={run}", "format=safetensors", f"output={output}"))
    return {"classes": list(Synthesizer.from_run(output).class_names)}


def official(run: Path) -> dict[str, Any]:
    write(composed("export", f"run={run}", "format=official", f"output={run.parent / 'exported'}"))
    return {}


def report(run: Path) -> dict[str, Any]:
    output = run.parent / "report"
    compare(composed("report", f"runs={run}", f"output={output}", "samples=1"))
    outside = [path.name for path in run.parent.iterdir() if path.name not in ("run", "report", "map.png")]
    return {"page": (output / "comparison.md").read_text(), "outside": outside}


def init_from(run: Path) -> dict[str, Any]:
    """Take a run's configuration and weights over."""
    cfg = runs.inherit(composed("train", f"init_from={run}", f"run_dir={run.parent / 'new'}", "logger=csv"))
    config.check_values(cfg)
    cfg = config.finalize(cfg)
    networks = {part: hydra.utils.instantiate(cfg[part], _convert_="all") for part in PARTS[:3]}
    warm_start(SimpleNamespace(**networks), cfg)
    return {"classes": list(cfg.dataset.classes)}


def resume(run: Path) -> dict[str, Any]:
    """What is read and checked before a training goes on."""
    check_stored_training(str(run))
    cfg = runs.resumed(str(run), [])
    config.check(cfg)
    runs.Run(run, "last").saved.check()
    return {"classes": list(cfg.dataset.classes)}


def go_on(run: Path) -> dict[str, Any]:
    """Resume the training itself, whose epochs are over but for one batch."""
    runs.train(runs.resumed(str(run), ["epochs=2"]), runs.Run(run, "last").checkpoint)
    return {}


READERS: dict[str, Callable[[Path], dict[str, Any]]] = {
    reader.__name__: reader for reader in (synthesizer, synthesize, evaluate, export, official, report, init_from,
                                           resume)}


def tiny(folder: Path) -> Path:
    """The smallest run."""
    return make_run(folder / "tiny" / "run", norm="clade", z_dim=4)


def whole(folder: Path) -> Path:
    """A run with all that a training's configuration has, and networks that were never trained."""
    run = folder / "whole" / "run"
    cfg = config.prepare(composed("train", *WORDS, f"run_dir={run}"))
    runs.save_config(cfg)
    networks = {part: hydra.utils.instantiate(cfg[part], _convert_="all") for part in PARTS[:3]}
    save_weights(run / "checkpoints" / "last.safetensors",
                 {part: network.state_dict() for part, network in networks.items()})
    return run


def trained(folder: Path) -> Path:
    """A run of two batches, with its `last.ckpt`, and the same as `best.ckpt`."""
    run = folder / "trained" / "run"
    cfg = config.prepare(composed("train", *WORDS, "epochs=1", f"run_dir={run}"))
    runs.train(cfg, None)
    shutil.copy(run / "checkpoints" / "last.ckpt", run / "checkpoints" / "best.ckpt")
    return run


def copied(run: Path, folder: Path, name: str) -> Path:
    """A run of its own for a case, in a folder of its own."""
    path = folder / "cases" / name / "run"
    shutil.copytree(run, path)
    return path


def plain(run: Path) -> dict[str, Any]:
    """The configuration of a run."""
    found: dict[str, Any] = yaml.safe_load((run / runs.CONFIG).read_text())
    return found


def sums(run: Path, checkpoint: str = "last") -> dict[str, str]:
    """Checksums of the weights in a run's checkpoint, by part."""
    saved = runs.Run(run, checkpoint).saved
    return {f"{kind}.{part}": checksum(state, {}) for kind, states in (("raw", saved.raw), ("average", saved.average))
            for part, state in states.items()}


