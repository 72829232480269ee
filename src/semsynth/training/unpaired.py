"""Training on label maps and photographs that do not belong together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from semsynth.interfaces import Discriminator, Generator, Network, Segmenter, StyleEncoder
from semsynth.losses.inputs import LossInputs, Segmentation, UnpairedLossInputs
from semsynth.semantics import Semantics
from semsynth.semantics.samples import SampleBatch
from semsynth.sharing import mean_of_all
from semsynth.training.adversarial import AdversarialSystem
from semsynth.training.orders import Raw
from semsynth.training.outputs import Batch, GeneratorOutput

Soft = Literal["probabilities", "straight_through"]


@dataclass
class UnpairedOutput(GeneratorOutput):
    """Also what comes out of the loop through the segmenter S; what no term asks for is None.

    Shapes:
        logits: (N,K,H,W), S of the fakes.
        maps: (N,K,H,W), S of the photographs, as a soft label map.
        cycled: (N,3,H,W), the generator's image of these maps.
        paired_logits, paired_fake: (M,K,H,W) and (M,3,H,W), S of the paired photographs, G of their label maps.
    """

    logits: Tensor | None = None
    maps: Tensor | None = None
    cycled: Tensor | None = None
    paired_logits: Tensor | None = None
    paired_fake: Tensor | None = None


class UnpairedSystem(AdversarialSystem):
    """Unpaired SPADE: a segmenter S in the loop takes the place of the pairing.

    The generator's pictures G(m) must be segmented back into m, and a discriminator that sees images only holds them
    against photographs x of another stream. S is in the generator's optimizer, as published, unless it is frozen. With
    an encoder, the style comes from the photograph that happens to stand beside the label map.

    Beyond the published: pairs for a part of the samples (`paired` in a batch); a second discriminator that tells
    label maps m from S(x); and the cycle G(S(x)), drawn in the style of x. What is computed follows from what the loss
    terms need.

    Args:
        segmenter: `segmenter(images) -> logits (N,K,H,W)`, with `truth(labels)`, `probabilities(images)` and `frozen`.
        label_discriminator: As the discriminator, over label maps (N,K,H,W) in place of images; None: none.
        unpaired: `as_released`: every photograph belongs to its label map, as in the released code, and terms may
            compare the two. Anything else: they must not.
        soft: How S(x) becomes the label map that the cycle and the second discriminator see: its `probabilities`; or
            `straight_through`, the one-hot map of its answer, with the gradient of the probabilities.
        real_statistics: S sees the photographs of every iteration too, in training mode and to no other end: half of
            what its batch norms remember is then of photographs, which it is asked to segment in the end, as in the
            released code. Otherwise it remembers what it is trained on.

    The others are those of `AdversarialSystem`.

    Raises:
        ValueError: settings that do not fit together, such as a term that compares pairs where there are none.
    """

    segmenter: Segmenter
    label_discriminator: Discriminator | None

    def __init__(
        self,
        generator: Generator,
        discriminator: Discriminator,
        encoder: StyleEncoder | None,
        losses: Mapping[str, Mapping[str, nn.Module]],
        optimizers: Mapping[str, Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]],
        segmenter: Segmenter,
        label_discriminator: Discriminator | None = None,
        *,
        num_classes: int,
        epochs: int,
        decay_epochs: int = 0,
        accumulate: int = 1,
        regenerate_fake: bool = True,
        unpaired: str = "shuffled",
        soft: Soft = "probabilities",
        real_statistics: bool = False,
        compile: bool = False,
    ) -> None:
        super().__init__(generator, discriminator, encoder, losses, optimizers, num_classes=num_classes, epochs=epochs,
                         decay_epochs=decay_epochs, accumulate=accumulate, regenerate_fake=regenerate_fake,
                         compile=compile)
        if soft not in get_args(Soft):
            raise ValueError(f"soft must be one of {', '.join(get_args(Soft))}, got {soft!r}")
        terms = {name: term for part in losses.values() for name, term in part.items()}
        for name, term in terms.items():
            if getattr(term, "compares_pairs", False) and unpaired != "as_released":
                raise ValueError(f"the term {name} compares an image with the photograph of its label map, and here "
                                 f"they do not belong together: take loss=unpaired, or dataset.unpaired=as_released")
        self.needs = frozenset(need for term in terms.values() for need in getattr(term, "needs", ()))
        if ("label_maps" in self.needs) != (label_discriminator is not None):
            raise ValueError("a second discriminator and the terms label_adversarial belong together: "
                             "loss=unpaired_cycle discriminator@system.label_discriminator=patchgan_labels")
        self.segmenter, self.label_discriminator = segmenter, label_discriminator
        self.paired_images, self.soft = unpaired == "as_released", soft
        self.real_statistics = real_statistics and not segmenter.frozen

    def trained_by(self, part: str) -> list[Network]:
        """The networks that an optimizer trains: the segmenter goes with the generator unless it is frozen."""
        of_generator = None if self.segmenter.frozen else self.segmenter
        added = self.label_discriminator if part == "discriminator" else of_generator
        return super().trained_by(part) + ([] if added is None else [added])

    def batch_of(self, batch: SampleBatch) -> Batch:
        """Also the pairs that are known besides, or all of them as pairs."""
        made = super().batch_of(batch)
        if "paired" in batch:
            made.paired = super().batch_of(batch["paired"])
        elif self.paired_images:
            made.paired = Batch(made.semantics, made.real)
        return made

    def draw(self, batch: Batch, part: str) -> UnpairedOutput:
        """The fakes and, as far as terms need it, what comes out of the loop through the segmenter."""
        drawn = self.synthesize(batch.semantics, batch.real)
        made = UnpairedOutput(drawn.fake, drawn.style)
        of_generator = part == "generator"
        if "label_maps" in self.needs or (of_generator and "cycled" in self.needs):
            made.maps = self._soft_maps(self.segmenter.probabilities(batch.real))
        if not of_generator:
            return made
        # photographs first, as in the released code: batch norms move on with each picture, dropout draws
        if batch.paired is not None and "paired" in self.needs:
            made.paired_logits = self.segmenter(batch.paired.real)
        if self.real_statistics and not self._seen(batch, made):
            with torch.no_grad():
                self.segmenter(batch.real)
        if "segmentation" in self.needs:
            made.logits = self.segmenter(drawn.fake)
        if "cycled" in self.needs:
            made.cycled = self._cycle(made)
        if batch.paired is not None and "paired_fake" in self.needs:
            made.paired_fake = self.synthesize(batch.paired.semantics, batch.paired.real).fake
        return made

    @staticmethod
    def _seen(batch: Batch, made: UnpairedOutput) -> bool:
        """Whether S has segmented the photographs already, for a term."""
        of_pairs = made.paired_logits is not None and batch.paired is not None and batch.paired.real is batch.real
        return of_pairs or made.maps is not None

    def _soft_maps(self, probabilities: Tensor) -> Tensor:
        """The soft label maps (N,K,H,W) that stand for S(x)."""
        if self.soft == "probabilities":
            return probabilities
        hard = torch.zeros_like(probabilities).scatter_(1, probabilities.argmax(1, keepdim=True), 1)
        return hard + probabilities - probabilities.detach()

    def _cycle(self, made: UnpairedOutput) -> Tensor:
        """G(S(x)) in the style of x."""
        assert made.maps is not None
        semantics = self.generator.prepare(Semantics.from_probabilities(made.maps))
        return self.generator(semantics, self.style(semantics, made.style))

    def loss_inputs(self, batch: Batch, drawn: GeneratorOutput) -> LossInputs:
        """Images, styles, the discriminators' maps, and the segmenter's answers beside what they should be."""
        assert isinstance(drawn, UnpairedOutput)
        semantics, real = batch.semantics, batch.real
        inputs = UnpairedLossInputs(semantics, real.float(), drawn.fake.float(),
                                    *self.discriminate(self.discriminator, semantics, drawn.fake, real),
                                    None if drawn.style is None else drawn.style.to(torch.float32), self.discriminator,
                                    cycled=_float(drawn.cycled), paired_fake=_float(drawn.paired_fake))
        if drawn.logits is not None:
            inputs.segmentation = Segmentation(drawn.logits, self.segmenter.truth(semantics.labels))
        if batch.paired is not None:
            inputs.paired_real = batch.paired.real.float()
            if drawn.paired_logits is not None:
                inputs.paired = Segmentation(drawn.paired_logits, self.segmenter.truth(batch.paired.semantics.labels))
        if self.label_discriminator is not None and drawn.maps is not None:
            inputs.fake_label_maps, inputs.real_label_maps = self.discriminate(
                self.label_discriminator, semantics, drawn.maps.to(real), semantics.one_hot())
        return inputs

    def terms(self, part: str, inputs: LossInputs) -> Raw:
        """Also measure how often S finds in a fake what it was made from: `agreement`, a share of pixels."""
        if part == "generator" and isinstance(inputs, UnpairedLossInputs) and inputs.segmentation is not None:
            counts = inputs.segmentation.labels >= 0
            right = (inputs.segmentation.logits.detach().argmax(1) == inputs.segmentation.labels) & counts
            self.beside["agreement"] = [mean_of_all(right.sum().float(), counts.sum())]
        return super().terms(part, inputs)


def _float(x: Tensor | None) -> Tensor | None:
    return None if x is None else x.float()
