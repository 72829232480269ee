"""Training by regression: one network, one optimizer, no discriminator."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast, runtime_checkable

import torch
from torch import Tensor, nn

from semsynth.interfaces import Generator, Network, StyleEncoder
from semsynth.losses.inputs import LossInputs, RegressionLossInputs
from semsynth.semantics import Semantics
from semsynth.training.adversarial import AdversarialSystem
from semsynth.training.outputs import Batch, GeneratorOutput


@runtime_checkable
class SeveralPictures(Protocol):
    """A generator that makes several pictures of a label map at once.

    Attributes:
        pictures: How many.
    """

    pictures: int

    def all_pictures(self, semantics: Semantics) -> Tensor:
        """Them all, (N,pictures,3,H,W)."""


@dataclass
class RegressionOutput(GeneratorOutput):
    """Also all pictures (N,P,3,H,W) of each label map, where the generator makes several."""

    pictures: Tensor | None = None


class RegressionSystem(AdversarialSystem):
    """Training of a generator alone, by terms that compare its pictures with the real ones (arXiv:1707.09405).

    What it shares with adversarial trainings is the optimizer's: accumulation, rates, checks, logging.

    Args:
        generator: Makes images (N,3,H,W).
        encoder: Says the style of images; None: the generator draws styles.
        losses: Terms by name under `generator`.
        optimizers: `generator`: a function of parameters that returns an optimizer.
        trained_parts: Names of the generator's parts that are trained, the others stay as they are; None: all are.
        num_classes, epochs, decay_epochs, accumulate, compile: As of `AdversarialSystem`.

    Raises:
        ValueError: settings that do not fit together.
        NonFiniteError: in training, when a loss or a gradient is NaN or infinite.
    """

    parts = ("generator",)
    remedy = "Lower the learning rate (optim.generator.lr), or train with trainer.precision=32-true if it is not."

    def __init__(self, generator: Generator, encoder: StyleEncoder | None,
                 losses: Mapping[str, Mapping[str, nn.Module]],
                 optimizers: Mapping[str, Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]], *,
                 num_classes: int, epochs: int, decay_epochs: int = 0, accumulate: int = 1, compile: bool = False,
                 trained_parts: Sequence[str] | None = None) -> None:
        super().__init__(generator, cast(Any, None), encoder, {"generator": losses["generator"]}, optimizers,
                         num_classes=num_classes, epochs=epochs, decay_epochs=decay_epochs, accumulate=accumulate,
                         compile=compile)
        if trained_parts is not None:
            _train_only(self.generator, trained_parts)

    def static_networks(self, device: torch.device) -> list[Network]:
        """On CUDA the encoder and the networks of the losses; elsewhere none."""
        if device.type != "cuda":
            return []
        terms = [getattr(term, "network", None) for term in self.terms_of("generator").values()]
        return [network for network in (self.encoder, *terms) if network is not None]

    def draw(self, batch: Batch, part: str) -> GeneratorOutput:
        """The fakes: one of each label map, or all where there are several."""
        network = self.generator
        if isinstance(network, SeveralPictures) and network.pictures > 1:
            pictures = network.all_pictures(batch.semantics)
            return RegressionOutput(pictures[:, 0], pictures=pictures)
        return self.synthesize(batch.semantics, batch.real)

    def loss_inputs(self, batch: Batch, drawn: GeneratorOutput) -> LossInputs:
        """Images, styles, and all pictures."""
        style = None if drawn.style is None else drawn.style.to(torch.float32)
        pictures = cast(RegressionOutput, drawn).pictures if isinstance(drawn, RegressionOutput) else None
        return RegressionLossInputs(batch.semantics, batch.real.float(), drawn.fake.float(), [], [], style,
                                    pictures=None if pictures is None else pictures.float())


def _train_only(network: Network, parts: Sequence[str]) -> None:
    modules = dict(network.named_modules())
    if not parts or not all(part and part in modules for part in parts):
        there = [name for name in modules if re.fullmatch(r"\w+(\.\d+)?", name)]
        raise ValueError(f"system.trained_parts={list(parts)} must name parts of {type(network).__name__}: "
                         f"{', '.join(there)}")
    network.requires_grad_(False)
    for part in parts:
        modules[part].requires_grad_(True)
