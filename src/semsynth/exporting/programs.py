"""A run's networks as programs in files, each compared with its network."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from semsynth.errors import ConfigError, FixedSizeError
from semsynth.exporting.metadata import metadata
from semsynth.exporting.program import EncoderProgram, GeneratorProgram, Program
from semsynth.exporting.program_files import Run, write_exported, write_onnx
from semsynth.exporting.source import Source
from semsynth.semantics import Semantics
from semsynth.style import Style

Write = Callable[..., Run | None]
PROGRAMS: dict[str, tuple[str, Write]] = {"onnx": (".onnx", write_onnx), "torch_export": (".pt2", write_exported)}
LABELS = {"uint8": torch.uint8, "int32": torch.int32, "int64": torch.int64}
ROUNDINGS = 4  # a program rounds in another order, so it may be a few times as far from exact as the network is
COUNT = 3  # label maps in the comparison of a program with its network; not that of the example it was traced with
HALF = 1e-2  # largest difference that weights in float16 may make


def programs_of(source: Source, size: tuple[int, int], labels: str) -> Iterator[Program]:
    """The generator for one size (H, W), and the encoder of runs with a style vector.

    Raises:
        ConfigError: the network cannot make this size, or no program holds it.
    """
    try:
        source.generator.readings(*size)
    except FixedSizeError as error:
        raise ConfigError(f"size={list(size)}: {error.reason}: leave size= out") from error
    except ValueError as error:
        raise ConfigError(f"size={list(size)}: {error}") from error
    generator = GeneratorProgram(source.generator, source.condition, size, LABELS[labels])
    yield generator
    if source.encoder is not None and generator.z_dim:
        yield EncoderProgram(source.encoder, source.condition.size)


def write_programs(source: Source, format: str, folder: Path, size: tuple[int, int], *, tolerance: float,
                   labels: str, stored: str | None = "float32") -> list[str]:
    """Write a program for each network of a run; return a line for each.

    Args:
        source: The run.
        format: A key of ``PROGRAMS``.
        folder: Where they are written.
        size: (H, W) of label maps and images.
        tolerance: See `export.export`.
        labels: Type of the label maps, a key of ``LABELS``.
        stored: How ONNX files hold weights, float32 or float16; None: float16 where that changes an output by no more
            than ``HALF``.

    Raises:
        ConfigError: see `programs_of`, or a program differs from its network.
    """
    suffix, write = PROGRAMS[format]
    lines = []
    for program in programs_of(source, size, labels):
        about = metadata(program, source)
        path = folder / f"{about['network']}{suffix}"
        line = None
        if stored != "float32":
            line = _written(source, program, partial(write, program, path, about, half=True), max(tolerance, HALF),
                            required=stored is not None)
        line = line or _written(source, program, partial(write, program, path, about), tolerance)
        names = f"{', '.join(program.inputs())} -> {', '.join(program.outputs())}"
        lines.append(f"{path.name} ({megabytes(path)}): {names}; {line}")
    return lines


def _written(source: Source, program: Program, write: Callable[[], Run | None], tolerance: float, *,
             required: bool = True) -> str | None:
    """Write a program and say how far it is from its network; None where it is too far, or not known, and need not be.

    Raises:
        ConfigError: it must be nearer than that.
    """
    run = write()
    if run is None:
        return "not compared with the network, for want of onnxruntime" if required else None
    difference, rounding = _difference(source, program, run)
    if difference <= max(tolerance, ROUNDINGS * rounding):
        return f"differs from the network by at most {difference:.0e}"
    if not required:
        return None
    name = "generator" if isinstance(program, GeneratorProgram) else "encoder"
    raise ConfigError(f"the {name}'s program differs from the network by up to {difference:.1e}, more than "
                      f"tolerance={tolerance:.0e} and than what float32 costs the network itself "
                      f"({rounding:.0e}); nothing was written. Take another format (safetensors keeps the network as "
                      f"it is), stored=float32, or tolerance={2 * difference:.0e} if that is good enough")


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


def megabytes(path: Path) -> str:
    """The size of a file."""
    return f"{path.stat().st_size / 1e6:.1f} MB"
