"""A run's networks for others: as a small run, as programs, or in the layout of the released code."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from semsynth.errors import ConfigError
from semsynth.exporting.official import write_official
from semsynth.exporting.programs import LABELS, PROGRAMS, megabytes, write_programs
from semsynth.exporting.segmenter import write_segmenter
from semsynth.exporting.source import Source
from semsynth.exporting.web import Site, write_site
from semsynth.weights.files import write_text
from semsynth.weights.run_file import PARTS, save_weights
from semsynth.weights.tensor_files import SUFFIX

FORMATS = ("safetensors", *PROGRAMS, "web", "official", "segmenter")
STORED = ("float32", "float16")


def export(source: Source, format: str, output: str | Path, *, size: tuple[int, int] | None = None,
           tolerance: float = 1e-4, labels: str = "int64", stored: str | None = None,
           site: Site | None = None) -> list[str]:
    """Write a run's networks into a new folder, completely or not at all; return one line for each file.

    A segmenter becomes a file and no folder, see `segmenter.write_segmenter`.

    Args:
        source: The run.
        format: One of ``FORMATS``: a run of weights and configuration; ONNX or torch.export programs of the generator
            and the encoder; the painting page with these in it; checkpoints in the layout of the released code; the
            segmenter of an unpaired run.
        output: The folder, or the segmenter's file; there must be none of this name.
        size: (H, W) of the programs; None: the size of the training images.
        tolerance: Largest difference allowed between a program and its network; more is allowed where the network's
            own rounding in float32 is larger.
        labels: Type of the label maps that programs take: uint8, int32 or int64.
        stored: How ONNX files hold weights, float32 or float16; they compute in float32. None: float32, and in the page
            float16 where that changes an output by no more than `programs.HALF`.
        site: What the page holds besides the networks.

    Raises:
        ConfigError: an unknown format, a folder that exists, a format or size that is not possible for these networks,
            or a program that differs from its network.
    """
    _check(source, format, size, labels, stored)
    if format == "segmenter":
        return write_segmenter(source, Path(output).expanduser())
    with _new_folder(Path(output).expanduser()) as folder:
        if format == "safetensors":
            return _write_run(source, folder, Path(output))
        if format == "official":
            return write_official(source, folder)
        size = size or source.condition.size
        if format == "web":
            return write_site(source, folder, site or Site(), size, tolerance=tolerance, stored=stored)
        return write_programs(source, format, folder, size, tolerance=tolerance, labels=labels,
                              stored=stored or "float32")


def _check(source: Source, format: str, size: tuple[int, int] | None, labels: str, stored: str | None) -> None:
    """Refuse words that do not go together."""
    if format not in FORMATS:
        raise ConfigError(f"format={format} must be one of {', '.join(FORMATS)}")
    if labels not in LABELS or (labels == "uint8" and len(source.condition.classes) > 256):
        raise ConfigError(f"labels={labels} must be one of {', '.join(LABELS)}; uint8 holds up to 256 classes")
    if size is not None and format not in (*PROGRAMS, "web"):
        raise ConfigError(f"size= is for format={', '.join(PROGRAMS)} and web: weights serve every size of their "
                          "network")
    if stored is not None and (stored not in STORED or format not in ("onnx", "web")):
        raise ConfigError(f"stored={stored} must be one of {', '.join(STORED)}, for format=onnx and web")


@contextmanager
def _new_folder(output: Path) -> Iterator[Path]:
    """A folder beside ``output`` that takes its name at the end."""
    if output.exists():
        raise ConfigError(f"output={output} exists already: take another folder, or remove it")
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{output.name}-", dir=output.parent) as scratch:
        folder = Path(scratch) / output.name
        folder.mkdir()
        yield folder
        os.replace(folder, output)


def _write_run(source: Source, folder: Path, output: Path) -> list[str]:
    """A run directory that holds the configuration and one set of weights."""
    states = {part: source.saved.part(part, source.weights) for part in PARTS}
    parts = {part: state for part, state in states.items() if state is not None}
    path = save_weights(folder / "checkpoints" / f"last{SUFFIX}", parts, **source.origin())
    text = yaml.safe_dump({**source.config, "run_dir": str(output), "resume": None}, sort_keys=False)
    write_text(folder / "config.yaml", text)
    return ["config.yaml", f"checkpoints/{path.name}: {', '.join(parts)} ({source.weights}, {megabytes(path)})"]
