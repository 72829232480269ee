"""Hand a run's networks on.

    python tools/export.py run=DIR format=safetensors output=DIR     a small run: config.yaml and weights
    python tools/export.py run=DIR format=onnx output=DIR            generator.onnx, and encoder.onnx where there is one
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


def write(cfg: DictConfig) -> None:
    """Load the run and export it."""
    from semsynth.exporting.export import export
    from semsynth.exporting.source import Source
    from semsynth.synthesis.maps import chosen_size
    from semsynth.weights.run_file import read_weights

    run, format, output = Path(cfg.run), cfg.format, cfg.output
    runs.load_config(run)  # no such run is told before no such checkpoint
    checkpoint = runs.find_checkpoint(run, cfg.checkpoint)
    generator, encoder, trained = runs.load_generator(run, str(checkpoint), cfg.weights)
    config: Any = OmegaConf.to_container(trained, resolve=True)
    size = None if cfg.size is None else chosen_size(cfg.size, tuple(trained.size))
    segmenter = runs.load_segmenter(run, str(checkpoint), cfg.weights) if format == "segmenter" else None
    source = Source(run, config, read_weights(checkpoint), cfg.weights, generator, encoder, segmenter)
    lines = export(source, format, output, size=size, tolerance=cfg.tolerance, labels=cfg.labels)
    print(f"exported: {output}, from {runs.told(checkpoint)}", *lines, sep="\n  ")


main = command(CONF / "export.yaml")(write)
