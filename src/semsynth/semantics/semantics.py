"""What a network is conditioned on: label maps with their optional edges, positional offsets and soft probabilities."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from semsynth.semantics.lookup import Lookup
from semsynth.semantics.packed import Packed
from semsynth.semantics.patches import Codes, Patches
from semsynth.semantics.regions import Regions

PATCHES = frozenset({"patches", "patches with edges", "patches by picture"})


class Reading(tuple[int, int]):
    """A size (h, w) at which a network reads label maps, and what it looks up there.

    `needs` holds "classes" where tables are read by class (`Semantics.by_class`), "patches" where they are by
    patch of labels, and "patches with edges" where such patches include the instance edges (`Semantics.patches`);
    "classes by picture" and "patches by picture" where every picture has rows of its own; "instances" where the
    instance map itself is read (`semsynth.semantics.regions`), "regions" where every instance has rows of its own.

    >>> reading = Reading(16, 32, {"classes"})
    >>> reading == (16, 32), sorted(reading.needs)
    (True, ['classes'])
    """

    needs: frozenset[str]

    def __new__(cls, h: int, w: int, needs: Iterable[str] = ()) -> Reading:
        """The size, equal to the plain tuple (h, w)."""
        reading = super().__new__(cls, (h, w))
        reading.needs = frozenset(needs)
        return reading

    def __getnewargs__(self) -> tuple[Any, ...]:
        """What a copy in another process is made from."""
        return *self, self.needs


@dataclass(eq=False)
class Semantics:
    """A batch of label maps and everything derived from them, at one size.

    Labels stay integers as long as possible; `one_hot` is called only where a network needs it.

    >>> labels = torch.arange(16).expand(1, 16, 16) // 8  # class 0 left, class 1 right
    >>> semantics = Semantics(labels, num_classes=2).prepare([(4, 4)])
    >>> semantics.at(4, 4).labels[0, 0].tolist()
    [0, 0, 1, 1]
    >>> tuple(semantics.one_hot().shape), semantics.one_hot()[0, :, 0, 0].tolist()
    ((1, 2, 16, 16), [1.0, 0.0])

    Shapes:
        labels: (N, H, W) int64 in [0, num_classes).
        edges: (N, 1, H, W) float, 1 on instance boundaries, or None.
        offsets: (N, 2, H, W) float in [-1, 1], channel 0 vertical and 1 horizontal, or None (CLADE-ICPE,
            arXiv:2012.04644, Eq. 12-14).
        probabilities: (N, num_classes, H, W) float, a soft label map (a segmenter's output), or None. Gradients pass
            through it; `labels` is then its argmax.
        instances: (N, H, W) integers, any ids, or None; the views have none.

    Raises:
        ValueError: a shape or dtype does not fit, or a label on the CPU is outside [0, num_classes).
    """

    labels: Tensor
    num_classes: int
    edges: Tensor | None = None
    offsets: Tensor | None = None
    probabilities: Tensor | None = None
    instances: Tensor | None = None
    _views: dict[tuple[int, int], Semantics] = field(default_factory=dict, repr=False)
    _classes: Lookup | None = field(default=None, repr=False)
    _patches: dict[str, Patches | None] = field(default_factory=dict, repr=False)
    _own_classes: Lookup | None = field(default=None, repr=False)
    _regions: Regions | None = field(default=None, repr=False)
    _own_regions: Lookup | None = field(default=None, repr=False)
    _checked: bool = field(default=False, repr=False)

    def __post_init__(self) -> None:
        if not self._checked:
            self._check()

    def _check(self) -> None:
        if self.labels.ndim != 3 or self.labels.dtype != torch.int64:
            raise ValueError(f"labels must be (N,H,W) int64, got {tuple(self.labels.shape)} {self.labels.dtype}")
        n, h, w = self.labels.shape
        wanted = {"edges": (n, 1, h, w), "offsets": (n, 2, h, w), "probabilities": (n, self.num_classes, h, w),
                  "instances": (n, h, w)}
        for name, shape in wanted.items():
            value = getattr(self, name)
            if value is not None and tuple(value.shape) != shape:
                raise ValueError(f"{name} must be {shape} to go with the labels, got {tuple(value.shape)}")
        # Only on the CPU: on an accelerator the check would wait for the device, and labels come from the CPU anyway.
        # Those of a soft map are its argmax.
        if self.probabilities is None and self.labels.device.type == "cpu" and self.labels.numel():
            low, high = (int(v) for v in self.labels.aminmax())
            if low < 0 or high >= self.num_classes:
                raise ValueError(f"labels lie in [{low}, {high}], but num_classes={self.num_classes} allows only "
                                 f"[0, {self.num_classes - 1}]")

    @classmethod
    def from_probabilities(cls, probabilities: Tensor, *, edges: Tensor | None = None,
                           offsets: Tensor | None = None) -> Semantics:
        """Soft label maps (N,K,H,W) that sum to 1 over K, with gradients."""
        return cls(probabilities.detach().argmax(1), probabilities.shape[1], edges, offsets, probabilities)

    @property
    def size(self) -> tuple[int, int]:
        """(H, W)."""
        return self.labels.shape[1], self.labels.shape[2]

    def __len__(self) -> int:
        return self.labels.shape[0]

    def prepare(self, sizes: Iterable[tuple[int, int]]) -> Semantics:
        """Make the nearest-resized views of all `sizes` (h, w) now and keep them; returns self.

        Call it eagerly, outside compiled code, once per batch: the forward passes then only read. A `Reading`
        says what else its network needs at that size; soft maps are never looked up. What only a backward pass reads
        is made now where gradients are enabled, and when it is read otherwise.

        On an accelerator, which is waited for once where there are patches to count and not at all elsewhere.
        """
        backward = torch.is_grad_enabled()
        # what is made during validation may serve training as well
        with torch.inference_mode(False), torch.set_grad_enabled(backward):
            if self.labels.is_inference():
                self.labels = self.labels.clone()
            missing: list[tuple[Semantics, str]] = []
            for size in sizes:
                needs: frozenset[str] = getattr(size, "needs", frozenset())
                size = (size[0], size[1])
                if size != self.size and size not in self._views:
                    self._views[size] = self._resized(*size)
                view = self.at(*size)
                if "regions" in needs:
                    self._number_regions(view, backward)
                if view.probabilities is None:
                    if "classes" in needs:
                        view._look_up_classes(backward)
                    if "classes by picture" in needs:
                        view._own_classes = view.by_class(by_picture=True)
                        _ = backward and view._own_classes.sorted()
                    missing += [(view, kind) for kind in sorted(needs & PATCHES)
                                if kind not in view._patches]
            found = Patches.of_each([view._codes(kind) for view, kind in missing], backward=backward)
            for (view, kind), patches in zip(missing, found, strict=True):
                view._patches[kind] = patches
        return self

    def _look_up_classes(self, backward: bool) -> None:
        if self._classes is None:
            self._classes = Lookup(self.labels.flatten().int(), self.num_classes)
        if backward:
            self._classes.sorted()

    def _number_regions(self, view: Semantics, backward: bool) -> None:
        """Number the instances of the full-size map, once, and look them up in a view of it."""
        self._regions = self.regions()
        if view._regions is None:
            view._regions = self._regions.resized(*view.size)
        view._own_regions = view.by_region()
        if backward:
            view._own_regions.sorted()

    def _codes(self, kind: str) -> Codes:
        """What patches of this kind are made of: classes, apart from them those on an edge, or of each picture."""
        if kind == "patches":
            return Codes(self.labels, self.num_classes)
        if kind == "patches by picture":
            return Codes(self._by_picture(), len(self) * self.num_classes)
        edges = self.require_edges()[:, 0]
        valid = torch.all((edges == 0) | (edges == 1))
        return Codes(self.labels + self.num_classes * edges.long(), 2 * self.num_classes, valid)

    def at(self, h: int, w: int) -> Semantics:
        """The view at (h, w); `prepare` must have made it."""
        if (h, w) == self.size:
            return self
        try:
            return self._views[h, w]
        except KeyError:
            raise ValueError(f"no view of size {(h, w)}: call network.prepare(semantics) before the forward "
                             f"pass (prepared: {sorted(self._views)})") from None

    def _by_picture(self) -> Tensor:
        """Labels (N,H,W) of which no two pictures have one in common: n * num_classes + label."""
        return self.labels + self.num_classes * torch.arange(len(self), device=self.labels.device)[:, None, None]

    def by_class(self, *, by_picture: bool = False) -> Lookup:
        """Which class each pixel has, and the pixels of each class; made anew where `prepare` was not told.

        `by_picture`: of N * num_classes rows, those of the first picture first.
        """
        if by_picture:
            return self._own_classes or Lookup(self._by_picture().flatten().int(), len(self) * self.num_classes)
        return self._classes or Lookup(self.labels.flatten(), self.num_classes)

    def regions(self) -> Regions:
        """The instances of each picture, or its classes where there is no instance map; of a view, as at full size."""
        return self._regions or Regions.of(self)

    def by_region(self) -> Lookup:
        """Which instance each pixel belongs to, of N * I rows, those of the first picture first."""
        if self._own_regions is not None:
            return self._own_regions
        regions = self.regions()
        most = regions.classes.shape[1]
        rows = regions.index + most * torch.arange(len(self), device=self.labels.device)[:, None, None]
        return Lookup(rows.flatten().int(), len(self) * most)

    def patches(self, *, edges: bool = False, by_picture: bool = False) -> Patches | None:
        """The distinct patches of labels (and edges); None where they hardly repeat or `prepare` was not told.

        `by_picture`: those of each picture apart; their codes are n * num_classes + label.
        """
        return self._patches.get("patches by picture" if by_picture else "patches with edges" if edges else "patches")

    def _resized(self, h: int, w: int) -> Semantics:
        """Nearest sampling from full resolution: index floor(i * H / h), as torch's `nearest` does for floats."""
        height, width = self.size
        rows = torch.arange(h, device=self.labels.device) * height // h
        cols = torch.arange(w, device=self.labels.device) * width // w

        def pick(x: Tensor | None) -> Tensor | None:
            return None if x is None else x.index_select(-2, rows).index_select(-1, cols)

        labels = self.labels.index_select(1, rows).index_select(2, cols)
        return Semantics(labels, self.num_classes, pick(self.edges), pick(self.offsets), pick(self.probabilities),
                         _checked=True)

    def one_hot(self, *, edges: bool = False, dtype: torch.dtype = torch.float32) -> Tensor:
        """(N, K [+1], H, W) class channels (the probabilities of a soft map), the edge channel last if asked.

        Raises:
            ValueError: edges are asked for and there are none.
        """
        if self.probabilities is not None:
            classes = self.probabilities.to(dtype)
        else:
            # F.one_hot makes it in int64 first, and checks the labels on the host, which the constructor has done
            classes = torch.zeros(*self.labels.shape, self.num_classes, dtype=dtype, device=self.labels.device)
            classes = classes.scatter_(3, self.labels[..., None], 1).permute(0, 3, 1, 2)
        return torch.cat([classes, self.require_edges().to(classes)], 1) if edges else classes

    def repeat(self, times: int) -> Semantics:
        """Each label map of a batch of N, `times` times over: (times * N, H, W), without the views."""
        def tile(x: Tensor | None) -> Tensor | None:
            return None if x is None else x.repeat(times, *[1] * (x.ndim - 1))

        regions = None if self._regions is None else self._regions.map(lambda x: x.repeat(times, *[1] * (x.ndim - 1)))
        return Semantics(tile(self.labels), self.num_classes, tile(self.edges), tile(self.offsets),  # type: ignore[arg-type]
                         tile(self.probabilities), tile(self.instances), _regions=regions, _checked=True)

    def require_edges(self) -> Tensor:
        """Edges, or a ValueError that says which setting provides them."""
        if self.edges is None:
            raise ValueError("this network was built with edges=True, but the label maps carry no instance edges: "
                             "give an instance map, or train with dataset.instances=false")
        return self.edges

    def require_offsets(self) -> Tensor:
        """Offsets, or a ValueError that says which setting provides them."""
        if self.offsets is None:
            raise ValueError("this network uses intra-class positional encoding, but the label maps carry no offsets: "
                             "set icpe.enabled=true")
        return self.offsets

    def map(self, change: Callable[[Tensor], Tensor]) -> Semantics:
        """The same with every tensor changed, those of the views and of all that was prepared, too."""
        changed: dict[str, Any] = {k: change(v) for k in ("labels", "edges", "offsets", "probabilities", "instances")
                                   if (v := getattr(self, k)) is not None}
        views = {size: view.map(change) for size, view in self._views.items()}
        classes = None if self._classes is None else self._classes.map(change)
        patches = {kind: None if p is None else p.map(change) for kind, p in self._patches.items()}
        own, of_regions = (None if x is None else x.map(change) for x in (self._own_classes, self._own_regions))
        regions = None if self._regions is None else self._regions.map(change)
        return replace(self, **changed, _views=views, _classes=classes, _patches=patches, _own_classes=own,
                       _regions=regions, _own_regions=of_regions, _checked=True)

    def to(self, device: torch.device | str, non_blocking: bool = False) -> Semantics:
        """The same on another device, with all that was prepared: in one copy, but for a soft map, through which
        gradients pass.
        """
        if torch.empty(0, device=device).device == self.labels.device:
            return self
        if self.probabilities is None:
            return Packed.of(self).to(device, non_blocking).unpacked()
        return self.map(lambda x: x.to(device, non_blocking=non_blocking))
