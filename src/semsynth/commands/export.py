"""Hand a run's networks on.

    python tools/export.py run=DIR format=safetensors output=DIR     a small run: config.yaml and weights
    python tools/export.py run=DIR format=onnx output=DIR            generator.onnx, and encoder.onnx where there is one
    python tools/export.py run=DIR format=web output=DIR             the painting page, for any static host
    python tools/export.py run=DIR format=torch_export output=DIR    the same as .pt2 files
    python tools/export.py run=DIR format=official output=DIR        latest_net_G.pth ... for the released code
    python tools/export.py run=DIR format=segmenter output=FILE      an unpaired run's segmenter, for segmenter=FILE
"""

from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from semsynth import runs
from semsynth.cli import command
from semsynth.shipped import CONF

SCENES = 6  # maps of the embedded scenes that a page begins with


def write(cfg: DictConfig) -> None:
    """Load the run and export it."""
    from semsynth.exporting.export import export
    from semsynth.exporting.source import Source
    from semsynth.exporting.web import Site
    from semsynth.synthesis.maps import chosen_size

    run = runs.Run(cfg.run, cfg.checkpoint, cfg.weights)
    config: Any = OmegaConf.to_container(run.whole("dataset", "generator"), resolve=True)
    size = None if cfg.size is None else chosen_size(cfg.size, tuple(run.config.size))
    source = Source(run.path, config, run.saved, run.weights, run.generator, run.encoder,
                    run.segmenter if cfg.format == "segmenter" else None)
    site = None
    if cfg.format == "web":
        starts = starts_of(run, size or tuple(run.config.size), cfg.starts)
        site = Site(None if cfg.runtime is None else Path(cfg.runtime).expanduser(), cfg.webgpu, starts)
    lines = export(source, cfg.format, cfg.output, size=size, tolerance=cfg.tolerance, labels=cfg.labels,
                   stored=cfg.stored, site=site)
    print(f"exported: {cfg.output}, from {run.saved}", *lines, sep="\n  ")


def starts_of(run: runs.Run, size: tuple[int, int], wish: int | None) -> Any:
    """Maps of the run's validation set; None: of the embedded scenes alone, which anybody may publish."""
    from semsynth.demo.starts import Starts

    count = wish if wish is not None else SCENES if run.config.dataset.name == "scenes" else 0
    return Starts(runs.validation(run.plain) if count else None, size, count)


main = command(CONF / "export.yaml")(write)
