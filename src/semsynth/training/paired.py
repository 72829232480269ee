"""Training on pairs of label map and photograph."""

from __future__ import annotations

from semsynth.losses.inputs import LossInputs
from semsynth.training.adversarial import AdversarialSystem, Batch, GeneratorOutput


class PairedSystem(AdversarialSystem):
    """Training as published: every label map has its photograph (arXiv:1903.07291, arXiv:2012.04644).

    Arguments and errors are those of `AdversarialSystem`.
    """

    def _draw(self, micro: Batch, part: str) -> GeneratorOutput:
        drawn = self._synthesize(micro.semantics, micro.real)
        return drawn if part == "generator" else GeneratorOutput(drawn.fake)

    def _judged(self, micro: Batch, drawn: GeneratorOutput) -> LossInputs:
        mu, logvar = (None if x is None else x.float() for x in (drawn.mu, drawn.logvar))
        fake_maps, real_maps = self._discriminate(self.discriminator, micro.semantics, drawn.fake, micro.real)
        return LossInputs(micro.semantics, micro.real.float(), drawn.fake.float(), fake_maps, real_maps, mu, logvar)
