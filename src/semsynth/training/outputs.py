"""What goes through an iteration: a batch, and what the networks make of it."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, fields
from typing import Self

from torch import Tensor

from semsynth.semantics import Semantics
from semsynth.style import Style


@dataclass
class Batch:
    """Label maps and real images (N,3,H,W); and pairs, where some are known besides."""

    semantics: Semantics
    real: Tensor
    paired: Batch | None = None


@dataclass
class GeneratorOutput:
    """What the networks of the generator's step make: fake images (N,3,H,W), and the style as the encoder says it."""

    fake: Tensor
    style: Style | None = None

    def map(self, change: Callable[[Tensor], Tensor]) -> Self:
        """The same with every tensor changed, once where it occurs twice."""
        made: dict[int, Tensor] = {}

        def once(x: Tensor) -> Tensor:
            if id(x) not in made:
                made[id(x)] = change(x)
            return made[id(x)]

        there: dict[str, Tensor | Style] = {f.name: x for f in fields(self) if (x := getattr(self, f.name)) is not None}
        changed = copy(self)
        for name, x in there.items():
            setattr(changed, name, once(x) if isinstance(x, Tensor) else x.map(once))
        return changed

    def tensors(self) -> list[Tensor]:
        """All tensors, each once."""
        found: list[Tensor] = []

        def keep(x: Tensor) -> Tensor:
            found.append(x)
            return x

        self.map(keep)
        return found

    def detached(self) -> Self:
        """The same values as leaves of a new graph, which receive gradients."""
        return self.map(lambda x: x.detach().requires_grad_())
