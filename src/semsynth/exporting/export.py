"""A run's networks for others: as a small run, as programs, or in the layout of the released code."""

from __future__ import annotations

import copy
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import Tensor

from semsynth.errors import ConfigError
from semsynth.exporting.metadata import metadata
from semsynth.exporting.official import write_official
from semsynth.exporting.program import EncoderProgram, GeneratorProgram, Program
from semsynth.exporting.program_files import Run, write_exported, write_onnx
from semsynth.exporting.segmenter import write_segmenter
from semsynth.exporting.source import Source
from semsynth.semantics import Semantics
from semsynth.style import Style
from semsynth.weights.files import write_text
from semsynth.weights.run_file import PARTS, save_weights
from semsynth.weights.tensor_files import SUFFIX

PROGRAMS: dict[str, tuple[str, Callable[..., Run | None]]] = {"onnx": (".onnx", write_onnx),
                                                              "torch_export": (".pt2", write_exported)}
FORMATS = ("safetensors", *PROGRAMS, "official", "segmenter")
LABELS = {"uint8": torch.uint8, "int32": torch.int32, "int64": torch.int64}
ROUNDINGS = 4  # a program rounds in another order, so it may be a few times as far from exact as the network is
COUNT = 3  # label maps in the comparison of a program with its network; not that of the example it was traced with


def export(source: Source, format: str, output: str | Path, *, size: tuple[int, int] | None = None,
           tolerance: float = 1e-4, labels: str = "int64") -> list[str]:
    """Write a run's networks into a new folder, completely or not at all; return one line for each file.

    A segmenter becomes a file and no folder, see `segmenter.write_segmenter`.

    Args:
        source: The run.
        format: One of ``FORMATS``: a run of weights and configuration; ONNX or torch.export programs of the generator
            and the encoder; checkpoints in the layout of the released code; the segmenter of an unpaired
            run.
        output: The folder, or the segmenter's file; there must be none of this name.
        size: (H, W) of the programs; None: the size of the training images.
        tolerance: Largest difference allowed between a program and its network; more is allowed where the network's
            own rounding in float32 is larger.
        labels: Type of the label maps that programs take: uint8, int32 or int64.

    Raises:
        ConfigError: an unknown format, a folder that exists, a format or size that is not possible for these networks,
            or a program that differs from its network.
    """
    if format not in FORMATS:
        raise ConfigError(f"format={format} must be one of {', '.join(FORMATS)}")
    if labels not in LABELS or (labels == "uint8" and len(source.condition.classes) > 256):
        raise ConfigError(f"labels={labels} must be one of {', '.join(LABELS)}; uint8 holds up to 256 classes")
    if size is not None and format not in PROGRAMS:
        raise ConfigError(f"size= is for format={' and '.join(PROGRAMS)}: weights serve every size of their network")
    if format == "segmenter":
        return write_segmenter(source, Path(output).expanduser())
    with _new_folder(Path(output).expanduser()) as folder:
        if format == "safetensors":
            return _write_run(source, folder, Path(output))
        if format == "official":
            return write_official(source, folder)
        return _write_programs(source, format, folder, size or source.condition.size, tolerance, LABELS[labels])


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
    return ["config.yaml", f"checkpoints/{path.name}: {', '.join(parts)} ({source.weights}, {_megabytes(path)})"]


def _write_programs(source: Source, format: str, folder: Path, size: tuple[int, int], tolerance: float,
                    labels: torch.dtype) -> list[str]:
    suffix, write = PROGRAMS[format]
    try:
        source.generator.readings(*size)
    except ValueError as error:
        raise ConfigError(f"size={list(size)}: {error}") from error
    programs: list[Program] = [GeneratorProgram(source.generator, source.condition, size, labels)]
    if source.encoder is not None and programs[0].z_dim:
        programs.append(EncoderProgram(source.encoder, source.condition.size))
    lines = []
    for program in programs:
        about = metadata(program, source)
        path = folder / f"{about['network']}{suffix}"
        run = write(program, path, about)
        line = f"{path.name} ({_megabytes(path)}): {', '.join(program.inputs())} -> {', '.join(program.outputs())}"
        if run is None:
            lines.append(f"{line}; not compared with the network, for want of onnxruntime")
            continue
        difference, rounding = _difference(source, program, run)
        if not difference <= max(tolerance, ROUNDINGS * rounding):
            raise ConfigError(f"{path.name} differs from the network by up to {difference:.1e}, more than "
                              f"tolerance={tolerance:.0e} and than what float32 costs the network itself "
                              f"({rounding:.0e}); nothing was written. Take another format "
                              f"({', '.join(FORMATS[:3])}), or tolerance={2 * difference:.0e} if that is good enough")
        lines.append(f"{line}; differs from the network by at most {difference:.0e}")
    return lines


@torch.no_grad()
def _difference(source: Source, program: Program, run: Run) -> tuple[float, float]:
    """How far a program and its network in float32, as it was loaded, are from the network in float64, at most."""
    inputs = program.example(COUNT, seed=1)
    network: Any = source.generator if isinstance(program, GeneratorProgram) else source.encoder
    exact = _outputs(copy.deepcopy(network).double(), program, {k: _doubled(v) for k, v in inputs.items()})
    single = _outputs(network, program, inputs)
    return _distance(run(inputs), exact), _distance(single, exact)


def _outputs(network: Any, program: Program, inputs: dict[str, Tensor]) -> list[Tensor]:
    """What a network makes of a program's inputs."""
    if isinstance(program, GeneratorProgram):
        semantics = Semantics(inputs["labels"].long(), program.num_classes, inputs.get("edges"), inputs.get("offsets"))
        style = Style(vector=inputs["z"]) if "z" in inputs else None
        made = network(network.prepare(semantics), style)
    else:
        made = network(inputs["image"])
    return [made] if isinstance(made, Tensor) else list(made)


def _doubled(value: Tensor) -> Tensor:
    return value.double() if value.is_floating_point() else value


def _distance(first: list[Tensor], second: list[Tensor]) -> float:
    return max(float((a - b).abs().max()) for a, b in zip(first, second, strict=True))


def _megabytes(path: Path) -> str:
    return f"{path.stat().st_size / 1e6:.1f} MB"
