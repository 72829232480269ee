"""The codes that the classes of a training set have on average, and how far they lie from that."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from semsynth.style import Normal


class ClassCodes(nn.Module):
    """Mean and deviation of each class's codes over the pictures that hold it.

    A class that a reference lacks looks as it does on average (SEAN, arXiv:1911.12861). Codes are drawn from normal
    distributions of these means and deviations, each number apart, and kept within [-1,1], where an encoder's tanh
    leaves them: ours, no paper draws them. Of a class that no picture was seen of, the mean is 0 and the deviation 1.

    >>> codes = ClassCodes(num_classes=2, length=1)
    >>> codes.fit(counts=torch.tensor([2, 0]), sums=torch.tensor([[0.6], [0.0]]), squares=torch.tensor([[0.2], [0.0]]))
    >>> [round(float(number), 3) for number in (codes.means[0], codes.deviations[0])]
    [0.3, 0.1]
    >>> [round(v, 3) for v in codes.filled(torch.tensor([[[0.0], [0.5]]])).flatten().tolist()]
    [0.3, 0.5]

    Shapes:
        means, deviations: (K,length).
        known: (K,) int64, in how many pictures each class was.

    Args:
        num_classes: K.
        length: Of a code.
    """

    means: Tensor
    deviations: Tensor
    known: Tensor
    class_indexed = {"means": 0, "deviations": 0, "known": 0}

    def __init__(self, num_classes: int, length: int) -> None:
        super().__init__()
        self.register_buffer("means", torch.zeros(num_classes, length))
        self.register_buffer("deviations", torch.ones(num_classes, length))
        self.register_buffer("known", torch.zeros(num_classes, dtype=torch.int64))

    @torch.no_grad()
    def fit(self, counts: Tensor, sums: Tensor, squares: Tensor) -> None:
        """Set them from the sums (K,length) of the codes and of their squares, in `counts` (K,) pictures."""
        known = counts > 0
        number = counts.clamp_min(1)[:, None].to(sums)
        means = sums / number
        variances = (squares / number - means.square()).clamp_min(0)
        self.means.copy_(means)
        self.deviations.copy_(torch.where(known[:, None], variances.sqrt(), torch.ones_like(variances)))
        self.known.copy_(counts)

    def check_drawn(self) -> None:
        """Whether there is anything that codes can be drawn around.

        Raises:
            ValueError: no averages were made.
        """
        if not self.known.any():
            raise ValueError("styles are drawn around the average codes of the classes, and this network has none: "
                             "take the style of a picture, import the network with codes=, or train on until the "
                             "next validation, which makes them")

    def drawn(self, count: int, normal: Normal | None = None) -> Tensor:
        """Codes (count,K,length) of every class of so many pictures."""
        shape = (count, *self.means.shape)
        numbers = torch.randn(shape, device=self.means.device) if normal is None else normal(shape)
        return torch.addcmul(self.means, self.deviations, numbers.to(self.means)).clamp(-1, 1)

    def filled(self, codes: Tensor) -> Tensor:
        """Codes (N,K,length), with the means in place of rows of zeros."""
        absent = (codes == 0).all(2, keepdim=True)
        return torch.where(absent, self.means.to(codes), codes)
