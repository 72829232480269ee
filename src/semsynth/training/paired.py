"""Training on pairs of label map and photograph."""

from __future__ import annotations

import torch

from semsynth.losses.inputs import LossInputs
from semsynth.training.adversarial import AdversarialSystem
from semsynth.training.outputs import Batch, GeneratorOutput


class PairedSystem(AdversarialSystem):
    """Training as published: every label map has its photograph (arXiv:1903.07291, arXiv:2012.04644).

    Arguments and errors are those of `AdversarialSystem`.
    """

    def draw(self, batch: Batch, part: str) -> GeneratorOutput:
        """The fakes; for the generator's step also their styles."""
        drawn = self.synthesize(batch.semantics, batch.real)
        return drawn if part == "generator" else GeneratorOutput(drawn.fake)

    def loss_inputs(self, batch: Batch, drawn: GeneratorOutput) -> LossInputs:
        """Images, styles and the discriminator's maps."""
        fake_maps, real_maps = self.discriminate(self.discriminator, batch.semantics, drawn.fake, batch.real)
        style = None if drawn.style is None else drawn.style.to(torch.float32)
        return LossInputs(batch.semantics, batch.real.float(), drawn.fake.float(), fake_maps, real_maps, style,
                          self.discriminator, self.chance)
