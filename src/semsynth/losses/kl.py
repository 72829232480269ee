"""Kullback-Leibler divergence of the style posterior."""

from __future__ import annotations

from torch import Tensor, nn

from semsynth.losses.inputs import LossInputs


class KLDivergence(nn.Module):
    """KL of N(mu, exp(logvar)) from N(0, 1), summed over the dimensions and over `samples` samples.

    The published term (arXiv:1903.07291) is a sum over the samples of one device, averaged over the devices: the weight
    0.05 at a batch of 32 on 8 devices means a sum over 4 samples. Here it is the mean over the samples at hand, as of
    every other term, times that number, whatever the batch, the number of devices and the accumulation. Zero without a
    posterior, which is what `applies` tells: then a training leaves the term out.

    >>> import torch
    >>> from semsynth.semantics import Semantics
    >>> from semsynth.style import Posterior, Style
    >>> semantics, image = Semantics(torch.zeros(2, 16, 16, dtype=torch.int64), 2), torch.zeros(2, 3, 16, 16)
    >>> mean = torch.tensor([[2.0, 0.0], [0.0, 0.0]])  # of two samples; the KL of the first is 2^2 / 2
    >>> style = Style(vector=mean, posterior=Posterior(mean, torch.zeros(2, 2)))
    >>> KLDivergence(samples=4)(LossInputs(semantics, image, image, [], [], style)).item()
    4.0

    Args:
        samples: The number of samples over which the term sums where its weight comes from.
        weight: Of the term in the total.

    Raises:
        ValueError: `samples` is below 1.
    """

    def __init__(self, samples: int = 4, weight: float = 0.05) -> None:
        super().__init__()
        if samples < 1:
            raise ValueError(f"samples must be >= 1, got {samples}")
        self.samples, self.weight = samples, weight

    def applies(self, inputs: LossInputs) -> bool:
        """Whether the style has a posterior."""
        return inputs.style is not None and inputs.style.posterior is not None

    def forward(self, inputs: LossInputs) -> Tensor:
        """Scalar, unweighted."""
        posterior = None if inputs.style is None else inputs.style.posterior
        if posterior is None:
            return inputs.fake.new_zeros(())
        mean, log_variance = posterior.mean.float().flatten(1), posterior.log_variance.float().flatten(1)
        return -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).sum(1).mean() * self.samples
