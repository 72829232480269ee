"""What all adversarial trainings share: two optimizers that take turns, accumulation, rates, checks and logging."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from pytorch_lightning.strategies import ParallelStrategy
from torch import Tensor, nn
from torch.nn.utils import get_total_norm, parametrize

from semsynth.interfaces import Discriminator, Generator, LossTerm, Network, StyleEncoder
from semsynth.losses.inputs import LossInputs, Maps
from semsynth.modulation.shared import share_statistics
from semsynth.semantics import Semantics
from semsynth.semantics.batch import LabelPreparation, PreparesLabels, semantics_from_batch
from semsynth.semantics.samples import SampleBatch
from semsynth.style import Style
from semsynth.training.optimizers import make_optimizer
from semsynth.training.orders import PARTS, AnyOptimizer, Raw, one_pass, published_order
from semsynth.training.outputs import Batch, GeneratorOutput
from semsynth.training.rates import linear_decay
from semsynth.training.system import System
from semsynth.training.undeclared import datamodule


class AdversarialSystem(System, ABC):
    """Adversarial training of a conditional generator (arXiv:1903.07291, arXiv:2012.04644).

    One iteration is a generator step and then a discriminator step, each with its own optimizer. The discriminator
    sees the fake and the real images in one pass, concatenated along the batch, fake first. Losses are computed in
    float32 whatever the precision of the networks.

    A subclass says what is drawn and what the losses see of it (`draw`, `loss_inputs`).

    Gradients are accumulated over `accumulate` batches: the batches are kept until they are complete, then the
    generator's gradients of all are summed and it steps, then the discriminator's. The end of an epoch completes what
    it has. Loss terms are averaged over the batches.

    Args:
        generator: Makes images (N,3,H,W) in [-1, 1], see `semsynth.interfaces.Generator`.
        discriminator: `discriminator(semantics, images (2N,3,H,W))` -> scales of maps, the prediction last.
        encoder: Says the style of images, see `semsynth.interfaces.StyleEncoder`; None: the generator draws styles.
        losses: Terms by name under `generator` and `discriminator`; a term has `weight` and maps `LossInputs` to a
            scalar.
        optimizers: `generator` and `discriminator`: functions of parameters that return an optimizer. See
            `trained_by`.
        num_classes: Label channels, an unknown class included.
        epochs: Epochs of the whole training; the learning rates follow them.
        decay_epochs: The last epochs, over which the learning rates fall in a straight line.
        accumulate: Batches for each optimizer step.
        regenerate_fake: Draw the fake again (in training mode, with a fresh style) for the discriminator step, as
            published; otherwise one fake, and one pass of it through the discriminator, serves for both steps.
        compile: Have a compiler make the discriminator and the kernels of the generator's norms; on CUDA also the
            encoder and the networks of the losses.

    Raises:
        ValueError: settings that do not fit together.
        NonFiniteError: in training, when a loss or a gradient is NaN or infinite, see `Observed`.
    """

    remedy = ("Lower the learning rates (optim.generator.lr, optim.discriminator.lr), or train with "
              "trainer.precision=32-true if it is not.")

    parts: tuple[str, ...] = PARTS  # in whose order the optimizers step
    discriminator: Discriminator
    losses: nn.ModuleDict

    def __init__(
        self,
        generator: Generator,
        discriminator: Discriminator,
        encoder: StyleEncoder | None,
        losses: Mapping[str, Mapping[str, nn.Module]],
        optimizers: Mapping[str, Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]],
        *,
        num_classes: int,
        epochs: int,
        decay_epochs: int = 0,
        accumulate: int = 1,
        regenerate_fake: bool = True,
        compile: bool = False,
    ) -> None:
        super().__init__()
        if accumulate < 1:
            raise ValueError(f"accumulate must be >= 1, got {accumulate}")
        said, read = (getattr(network, "z_dim", None) for network in (encoder, generator))  # of styles that are vectors
        if said is not None and said != read:
            raise ValueError(f"the encoder's z_dim={said} is not the generator's z_dim={read}")
        linear_decay(0, epochs, decay_epochs)
        self.automatic_optimization = False
        self.generator, self.discriminator, self.encoder = generator, discriminator, encoder
        self.losses = nn.ModuleDict({part: nn.ModuleDict(terms) for part, terms in losses.items()})
        self._optimizers_of = dict(optimizers)
        self.num_classes, self.epochs, self.decay_epochs = num_classes, epochs, decay_epochs
        self.accumulate, self.regenerate_fake, self.compile_networks = accumulate, regenerate_fake, compile
        self._window: list[SampleBatch] = []
        self.beside: dict[str, list[Tensor] | float] = {}  # what the iteration measures besides its losses

    # ---- setting up

    @property
    def pending(self) -> int:
        """Batches that wait for the others of their optimizer step."""
        return len(self._window)

    def setup(self, stage: str) -> None:
        """Batch norms over the samples of all devices; compile where asked."""
        if self.trainer.world_size > 1:
            share_statistics(self)
        if self.compile_networks:
            # Module.compile keeps the names of the parameters, unlike torch.compile(module).
            self.generator.compile()
            for network in self.static_networks(self.trainer.strategy.root_device):
                network.compile(dynamic=False)

    def static_networks(self, device: torch.device) -> list[Network]:
        """Networks that see the same shapes all the time, so that they are worth compiling as a whole.

        On CUDA all of them; elsewhere the discriminator.
        """
        if device.type != "cuda":
            return [self.discriminator]
        terms = [term for part in self.losses for term in self.terms_of(part).values()]
        networks = [*self.trained_by("discriminator"), self.encoder, *(getattr(t, "network", None) for t in terms)]
        return [network for network in networks if network is not None]

    def trained_by(self, part: str) -> list[Network]:
        """The networks that an optimizer trains: the generator's trains the encoder, too."""
        if part == "discriminator":
            return [self.discriminator]
        return [self.generator, *([] if self.encoder is None else [self.encoder])]

    def terms_of(self, part: str) -> Mapping[str, LossTerm[LossInputs]]:
        """The loss terms of a part by their names."""
        terms: Any = self.losses[part]  # a ModuleDict, which is a mapping but is not declared as one
        found: Mapping[str, LossTerm[LossInputs]] = terms
        return found

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        """Build the generator's and the discriminator's optimizer."""
        optimizers = []
        for part in self.parts:
            parameters = [p for network in self.trained_by(part) for p in network.parameters()]
            optimizer = make_optimizer(self._optimizers_of[part], parameters, self.device)
            optimizers.append(optimizer)
            for group in optimizer.param_groups:
                group.setdefault("initial_lr", group["lr"])
        return optimizers

    def on_fit_start(self) -> None:
        """Tell the loaders, which are built hereafter, what of the label maps the generator reads."""
        data, size = datamodule(self.trainer), self.generator.size
        if isinstance(data, PreparesLabels):
            data.prepare_labels(LabelPreparation(self.num_classes, size, tuple(self.generator.readings(*size))))

    def on_train_start(self) -> None:
        """Set the rates also where a run is resumed in the middle of an epoch."""
        self._set_rates()

    def on_train_epoch_start(self) -> None:
        """Set the rates of the epoch."""
        super().on_train_epoch_start()
        self._set_rates()

    def both_optimizers(self) -> Sequence[AnyOptimizer]:
        """The generator's and the discriminator's, as far as there are both."""
        found = self.optimizers()
        return found if isinstance(found, list) else [found]

    def _set_rates(self) -> None:
        factor = linear_decay(self.current_epoch, self.epochs, self.decay_epochs)
        for optimizer in self.both_optimizers():
            for group in optimizer.param_groups:
                group["lr"] = group["initial_lr"] * factor

    # ---- one iteration

    def training_step(self, batch: SampleBatch, batch_idx: int) -> None:
        """Keep the batch; when `accumulate` are there or the epoch ends, step the generator, then the discriminator."""
        self._window.append(batch)
        self.stepped = len(self._window) == self.accumulate or self.trainer.is_last_batch
        if not self.stepped:
            return
        window, self._window = [self.batch_of(b) for b in self._window], []
        self.beside = {}
        raws = (published_order if self.regenerate_fake else one_pass)(self, window, batch_idx)
        self.measured(self.beside | self._named(raws))

    def loss_factor(self) -> Tensor | float:
        """What a scaler multiplies every loss by, so that gradients in float16 do not vanish; 1 without one."""
        scaler = getattr(self.trainer.precision_plugin, "scaler", None)
        return 1.0 if scaler is None else scaler.scale(torch.ones((), device=self.device))

    def shares_gradients(self, now: bool) -> AbstractContextManager[None]:
        """Within this context backward passes average what was accumulated over the processes, or do not yet."""
        strategy = self.trainer.strategy
        blocked = not now and isinstance(strategy, ParallelStrategy)
        return strategy.block_backward_sync() if blocked else nullcontext()  # type: ignore[attr-defined]

    def batch_of(self, batch: SampleBatch) -> Batch:
        """Label maps, resized to everything the generator reads, and real images."""
        semantics = semantics_from_batch(batch, self.num_classes)
        return Batch(self.generator.prepare(semantics), batch["image"])

    @abstractmethod
    def draw(self, batch: Batch, part: str) -> GeneratorOutput:
        """What the networks make for the step of a part; for the discriminator's, only what it looks at."""

    @abstractmethod
    def loss_inputs(self, batch: Batch, drawn: GeneratorOutput) -> LossInputs:
        """What the losses see, in float32: images, style, and the discriminator's maps of fake and real."""

    def synthesize(self, semantics: Semantics, real: Tensor) -> GeneratorOutput:
        """Fake images, and the style of the real ones where there is an encoder."""
        said = None if self.encoder is None else self.encoder.encode(real, semantics)
        return GeneratorOutput(self.generator(semantics, self.style(semantics, said)), said)

    def style(self, semantics: Semantics, said: Style | None) -> Style | None:
        """Drawn from what the encoder says, or from N(0, 1); None where the generator takes none."""
        if said is None:
            return self.generator.draw_style(len(semantics), semantics, self.normal)
        return said.sampled(self.normal)

    def discriminate(self, discriminator: Discriminator, semantics: Semantics, fake: Tensor, real: Tensor
                     ) -> tuple[Maps, Maps]:
        """A discriminator's maps of fake and of real, in float32."""
        if self.regenerate_fake or self.compile_networks:  # as published, one pass over both, fake first
            scales = discriminator(semantics, torch.cat([fake, real.to(fake)]))
            halves = [[m.float().chunk(2) for m in maps] for maps in scales]
            fake_maps, real_maps = ([[m[i] for m in maps] for maps in halves] for i in (0, 1))
        else:  # apart, since the generator's gradient needs the way back through the fake's half only
            with parametrize.cached():  # one power iteration of the spectral norms for both
                fake_maps, real_maps = ([[m.float() for m in maps] for maps in discriminator(semantics, images)]
                                        for images in (fake, real.to(fake)))
        return fake_maps, real_maps

    def terms(self, part: str, inputs: LossInputs) -> Raw:
        """All terms of one part that apply, unweighted, in float32."""
        kind = "cpu" if self.device.type == "meta" else self.device.type  # which knows no autocast
        with torch.autocast(kind, enabled=False):
            return {name: term(inputs) for name, term in self.terms_of(part).items()
                    if _applies(term, inputs)}

    def total(self, part: str, raw: Raw, batch_idx: int) -> Tensor:
        """The weighted sum of the terms, which must be finite."""
        self.watch({f"loss/{part}/{name}": value for name, value in raw.items()}, batch_idx)
        terms = self.terms_of(part)
        return torch.stack([terms[name].weight * value for name, value in raw.items()]).sum()

    def optimize(self, part: str, optimizer: AnyOptimizer, batch_idx: int) -> None:
        """Step with the gradients, which must be finite."""
        if getattr(self.trainer.precision_plugin, "scaler", None) is None:  # a scaler leaves out such steps itself
            gradients = [p.grad for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
            # of all, which is finite where each of them is, as the root of their squares need not be
            self.watch({f"the largest of the {part}'s gradients": get_total_norm(gradients, math.inf)}, batch_idx)
        optimizer.step()
        optimizer.zero_grad()

    def _named(self, raws: dict[str, list[Raw]]) -> dict[str, list[Tensor] | float]:
        """The terms of each micro-batch by the names of their metrics, and the learning rates."""
        named: dict[str, list[Tensor] | float] = {}
        for part, optimizer in zip(self.parts, self.both_optimizers(), strict=True):
            named |= {f"loss/{part}/{name}": [raw[name] for raw in raws[part]] for name in raws[part][0]}
            named[f"lr/{part}"] = float(optimizer.param_groups[0]["lr"])
        return named

    # ---- pictures

    def generate(self, batch: SampleBatch) -> Tensor:
        """Images (N,3,H,W) for the label maps of a batch, in the style of its photographs where there is an encoder."""
        made = self.batch_of(batch)
        return self.synthesize(made.semantics, made.real).fake.float()

    def validation_step(self, batch: SampleBatch, batch_idx: int) -> dict[str, Tensor]:
        """Return the fakes of a validation batch, for the callbacks."""
        return {"fake": self.generate(batch)}


def _applies(term: Any, inputs: LossInputs) -> bool:
    return not hasattr(term, "applies") or term.applies(inputs)
