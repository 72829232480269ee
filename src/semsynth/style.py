"""What the appearance of pictures is drawn from, beside their label maps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

import torch
from torch import Tensor

CODES = ("vector", "classes", "instances", "noise")


class Normal(Protocol):
    """Makes N(0, 1) numbers of a shape, the number of pictures first; `torch.randn` does."""

    def __call__(self, shape: tuple[int, ...], /) -> Tensor:
        """The numbers."""


@dataclass(frozen=True)
class Posterior:
    """A Gaussian with a diagonal covariance over a code of a style, as an encoder answers (arXiv:1312.6114).

    >>> posterior = Posterior(mean=torch.ones(1, 2), log_variance=torch.zeros(1, 2))
    >>> posterior.sample(normal=lambda shape: torch.full(shape, 2.0)).tolist()  # 1 + 2 * exp(0 / 2)
    [[3.0, 3.0]]

    Attributes:
        mean: As the code.
        log_variance: As the code.
        of: The code's name among the fields of `Style`.
    """

    mean: Tensor
    log_variance: Tensor
    of: str = "vector"

    def sample(self, normal: Normal | None = None) -> Tensor:
        """mean + eps * exp(log_variance / 2), eps ~ N(0, 1), in float32 at least."""
        dtype = torch.promote_types(self.mean.dtype, torch.float32)
        mean, log_variance = self.mean.to(dtype), self.log_variance.to(dtype)
        eps = torch.randn_like(mean) if normal is None else normal(tuple(mean.shape)).to(mean)
        return mean + eps * torch.exp(0.5 * log_variance)


@dataclass(frozen=True, eq=False)
class Style:
    """The appearance of N pictures: what a generator reads beside label maps. It holds the codes that its kind has.

    >>> style = Style(vector=torch.zeros(2, 8))
    >>> len(style), len(style[:1]), style.between(Style(vector=torch.ones(2, 8)), 0.25).vector[0, 0].item()
    (2, 1, 0.25)

    Attributes:
        vector: (N,Z), one code for a whole picture (SPADE's VAE, arXiv:1903.07291).
        classes: (N,K,Z), a code for each class of a picture.
        instances: (N,I,Z), a code for each instance, in the order of `semsynth.semantics.regions`.
        noise: (N,C,H,W), a map of noise.
        posterior: What an encoder says of one of the codes; None for styles that are drawn or given.
    """

    vector: Tensor | None = None
    classes: Tensor | None = None
    instances: Tensor | None = None
    noise: Tensor | None = None
    posterior: Posterior | None = None

    def __post_init__(self) -> None:
        codes = self.codes()
        if not codes:
            raise ValueError(f"a style holds one code or more: {', '.join(CODES)}")
        if len(codes) > 1 and len({len(code) for code in codes.values()}) > 1:
            raise ValueError("the codes of a style are for as many pictures each; got "
                             f"{', '.join(f'{name} for {len(code)}' for name, code in codes.items())}")

    def codes(self) -> dict[str, Tensor]:
        """The codes that there are, by name."""
        return {name: code for name in CODES if (code := getattr(self, name)) is not None}

    @staticmethod
    def _of(codes: Mapping[str, Any], posterior: Posterior | None = None) -> Style:
        return Style(**codes, posterior=posterior)

    def __len__(self) -> int:
        return len(next(iter(self.codes().values())))

    def map(self, change: Callable[[Tensor], Tensor]) -> Style:
        """The same with every tensor changed, those of the posterior, too."""
        changed = {name: change(code) for name, code in self.codes().items()}
        said = self.posterior
        if said is not None:
            said = replace(said, mean=change(said.mean), log_variance=change(said.log_variance))
        return self._of(changed, said)

    def __getitem__(self, pictures: slice | Tensor | list[int]) -> Style:
        """The style of some of the pictures."""
        return self.map(lambda x: x[pictures])

    def to(self, *args: Any, **kwargs: Any) -> Style:
        """The same on another device or in another precision, as `Tensor.to` takes them."""
        return self.map(lambda x: x.to(*args, **kwargs))

    def sampled(self, normal: Normal | None = None) -> Style:
        """Drawn from the posterior, where an encoder gave one; as it is otherwise."""
        if self.posterior is None:
            return self
        drawn: dict[str, Any] = {self.posterior.of: self.posterior.sample(normal)}
        return replace(self, **drawn)

    def spread(self, count: int) -> Style:
        """The one style for each of `count` pictures, or the styles as they are.

        Raises:
            ValueError: there are neither one nor `count`.
        """
        if len(self) not in (1, count):
            raise ValueError(f"{len(self)} styles for {count} label maps; give one for all of them or one for each")
        return self if len(self) == count else self.map(lambda x: x.expand(count, *x.shape[1:]))

    def mean(self) -> Style:
        """The average of the pictures' styles, for one picture."""
        return self._of({name: code.mean(0, keepdim=True) for name, code in self.codes().items()})

    def between(self, other: Style, share: float) -> Style:
        """The style at `share` of the way in a straight line to another one with the same codes.

        Raises:
            ValueError: the other one has other codes.
        """
        mine, theirs = self.codes(), other.codes()
        if mine.keys() != theirs.keys():
            raise ValueError(f"one style has {', '.join(mine)} and the other {', '.join(theirs)}")
        return self._of({name: torch.lerp(code, theirs[name].to(code), share) for name, code in mine.items()})

    def with_class(self, index: int, other: Style) -> Style:
        """The same, but one class looks as in another style, of one picture or of as many.

        Raises:
            ValueError: one of the two has no codes by class.
        """
        if self.classes is None or other.classes is None:
            raise ValueError("only a style with codes by class can be changed for one class")
        classes = self.classes.clone()
        classes[:, index] = other.classes[:, index].to(classes)
        return replace(self, classes=classes, posterior=None)

    def with_instance(self, index: int, other: Style, source: int | None = None) -> Style:
        """The same, but one instance looks as one in another style, of one picture or of as many.

        Args:
            index: Of the instance, in the order of `semsynth.semantics.regions`.
            other: The other style.
            source: Index of the instance there; None: the same.

        Raises:
            ValueError: one of the two has no codes by instance, or fewer of them.
        """
        source = index if source is None else source
        for style, wanted in ((self, index), (other, source)):
            if style.instances is None:
                raise ValueError("only a style with codes by instance can be changed for one instance")
            if not 0 <= wanted < style.instances.shape[1]:
                raise ValueError(f"there is no instance {wanted}: the style has codes of {style.instances.shape[1]}")
        assert self.instances is not None
        assert other.instances is not None
        instances = self.instances.clone()
        instances[:, index] = other.instances[:, source].to(instances)
        return replace(self, instances=instances, posterior=None)


def cat(styles: list[Style]) -> Style:
    """The styles of all pictures, one after the other; posteriors are left out.

    Raises:
        ValueError: they have different codes.
    """
    parts = [style.codes() for style in styles]
    if other := next((part for part in parts if part.keys() != parts[0].keys()), None):
        raise ValueError(f"one style has {', '.join(parts[0])} and another {', '.join(other)}")
    codes: dict[str, Any] = {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
    return Style(**codes)
