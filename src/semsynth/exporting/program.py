"""A generator as a function of plain tensors: what a program format can hold."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from semsynth.errors import ConfigError
from semsynth.exporting.folding import folded
from semsynth.norms.base import plain_formula
from semsynth.semantics import Semantics
from semsynth.style import Style
from semsynth.synthesis.condition import Condition

EXAMPLES = 2  # label maps in the example that a network is traced with


def style_length(generator: Any) -> int:
    """Z of a generator's style vector, 0 where it has no style.

    Raises:
        ConfigError: its style is another than one vector, which no program here takes.
    """
    drawn = generator.draw_style(1)
    codes = {} if drawn is None else drawn.codes()
    if codes.keys() - {"vector"}:
        raise ConfigError(f"{type(generator).__name__} reads a style by {', '.join(codes)}; programs take one style "
                          "vector: take format=safetensors, which keeps the network as it is")
    return codes["vector"].shape[1] if codes else 0


class GeneratorProgram(nn.Module):
    """Label maps to images, for one size, from plain tensors; folded, on the CPU, without gradients.

    Shapes:
        labels: (N,H,W) in [0, num_classes), of type ``labels``.
        z: (N, z_dim), where the network has a style vector.
        edges: (N,1,H,W), 1 on the boundaries of instances, where it reads edges.
        offsets: (N,2,H,W) in [-1,1], where it reads positional offsets.
        output: (N,3,H,W) in [-1,1].

    Args:
        generator: called as ``generator(semantics, style)``.
        condition: what the run's networks read.
        size: (H, W).
        labels: type of the label maps: uint8, int32 or int64.

    Raises:
        ValueError: the network cannot make this size.
    """

    def __init__(self, generator: Any, condition: Condition, size: tuple[int, int],
                 labels: torch.dtype = torch.int64) -> None:
        super().__init__()
        self.sizes = [(h, w) for h, w in generator.readings(*size)]
        self.generator = folded(generator).cpu().float()
        self.num_classes, self.z_dim, self.size = len(condition.classes), style_length(generator), size
        self.labels = labels
        self.edges, self.offsets = condition.edges, condition.icpe is not None

    def forward(self, labels: Tensor, z: Tensor | None = None, edges: Tensor | None = None,
                offsets: Tensor | None = None) -> Tensor:
        """Images."""
        semantics = Semantics(labels.long(), self.num_classes, edges, offsets, _checked=True)
        return self.generator(semantics.prepare(self.sizes), None if z is None else Style(vector=z))

    def inputs(self) -> dict[str, tuple[int, ...]]:
        """Names of the inputs in their order, with their shapes without N."""
        h, w = self.size
        every = {"labels": (True, (h, w)), "z": (self.z_dim > 0, (self.z_dim,)), "edges": (self.edges, (1, h, w)),
                 "offsets": (self.offsets, (2, h, w))}
        return {name: shape for name, (used, shape) in every.items() if used}

    def outputs(self) -> dict[str, tuple[int, ...]]:
        """The same of the one output."""
        return {"image": (int(self.generator.out_channels), *self.size)}

    def example(self, count: int = EXAMPLES, seed: int = 0) -> dict[str, Tensor]:
        """Random inputs of ``count`` label maps."""
        generator = torch.Generator().manual_seed(seed)
        made: dict[str, Tensor] = {}
        for name, shape in self.inputs().items():
            full = (count, *shape)
            if name == "labels":
                made[name] = torch.randint(self.num_classes, full, generator=generator).to(self.labels)
            elif name == "edges":
                made[name] = torch.randint(2, full, generator=generator).float()
            else:
                made[name] = torch.randn(full, generator=generator).clamp(-3, 3)
        return made


class EncoderProgram(nn.Module):
    """Images to styles: image (N,3,H,W) in [-1,1] -> mean and log-variance (N, z_dim); the mean is z of that style."""

    def __init__(self, encoder: Any, size: tuple[int, int]) -> None:
        super().__init__()
        self.encoder, self.size, self.z_dim = folded(encoder).cpu().float(), size, int(encoder.z_dim)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance."""
        return self.encoder(image)

    def inputs(self) -> dict[str, tuple[int, ...]]:
        """Name and shape, without N, of the one input."""
        return {"image": (3, *self.size)}

    def outputs(self) -> dict[str, tuple[int, ...]]:
        """Names and shapes of the two outputs."""
        return {"mean": (self.z_dim,), "log_variance": (self.z_dim,)}

    def example(self, count: int = EXAMPLES, seed: int = 0) -> dict[str, Tensor]:
        """Random images."""
        generator = torch.Generator().manual_seed(seed)
        return {"image": torch.rand((count, 3, *self.size), generator=generator) * 2 - 1}


Program = GeneratorProgram | EncoderProgram


def traced(program: Program) -> torch.export.ExportedProgram:
    """The program as a graph whose batch size is free, and that takes its inputs by name."""
    batch = torch.export.Dim("batch", min=1)
    example = program.example()
    with torch.no_grad(), plain_formula():
        return torch.export.export(program, (), example, dynamic_shapes={name: {0: batch} for name in example})


