"""What is changed of a style: classes that look as elsewhere or are drawn anew, all of them or one instance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from semsynth.errors import StyleError
from semsynth.semantics import Semantics
from semsynth.style import Style
from semsynth.synthesis.references import Reference
from semsynth.synthesis.regional import with_class, with_instance

ALL = "all"  # stands for all classes where styles and shares are given by class
LISTED = 12  # ids of instances in a message
Place = int | tuple[int, int]
"""An instance: its id in the instance map, or the (row, column) of one of its pixels."""


@dataclass(frozen=True)
class Edit:
    """Changes of a style.

    Attributes:
        names: Of the classes.
        looks: Whose look a class takes, by label.
        shares: How far it goes towards that look, from 0 to 1, by label; 1 where nothing is said.
        resample: Labels of classes that are drawn anew.
        instance: The one instance that is changed; None: all of a class.
    """

    names: Sequence[str]
    looks: Mapping[int, Reference] = field(default_factory=dict)
    shares: Mapping[int, float] = field(default_factory=dict)
    resample: Sequence[int] = ()
    instance: Place | None = None

    @classmethod
    def of(cls, names: Sequence[str], looks: Mapping[str, Reference] | None = None,
           share: float | Mapping[str, float] = 1.0, resample: str | Sequence[str] = (),
           instance: Any = None) -> Edit:
        """From names of classes, in which ``_`` may stand for a space; ``all`` among shares is that of all others.

        Raises:
            StyleError: there is no such class, or a value of another kind.
        """
        of_label = {label_of(name, names): look for name, look in (looks or {}).items()}
        parts = dict(share) if isinstance(share, Mapping) else {ALL: share}
        for value in parts.values():
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise StyleError(f"share={value} must be a number from 0 to 1")
        common = parts.pop(ALL, 1.0)
        if common != 1 and not of_label:
            raise StyleError(f"share={common} is that of a class's look, and no class is given one: style.CLASS=FILE "
                             "does; interpolate=STEPS goes from one whole style to another")
        shares = dict.fromkeys(of_label, common) | {label_of(name, names): value for name, value in parts.items()}
        drawn = [resample] if isinstance(resample, str) else list(resample)
        return cls(names, of_label, shares, [label_of(name, names) for name in drawn], _place(instance))

    def __post_init__(self) -> None:
        for label, look in self.looks.items():
            look.check_class(label, self.names)
        if strange := [label for label in self.shares if label not in self.looks]:
            name = self.names[strange[0]]
            raise StyleError(f"share of {name}: no look is given that {name} could take a share of: give style.{name} "
                             "as well")
        for label, share in self.shares.items():
            if not 0 <= share <= 1:
                raise StyleError(f"share={share} of {self.names[label]} must be from 0, the look before, to 1")
        if both := [self.names[label] for label in self.resample if label in self.looks]:
            raise StyleError(f"{both[0]} cannot be drawn anew and look as in another picture: leave out resample or "
                             f"style.{both[0]}")
        if self.instance is not None and not self:
            raise StyleError("instance= says which instance is changed, and nothing is: give its class another style, "
                             "or draw it anew with resample")

    def __bool__(self) -> bool:
        return bool(self.looks or self.resample)

    def check_styles(self, style: Style) -> None:
        """Raise StyleError where one instance is to be changed of styles that have no codes by instance."""
        if self.instance is not None and style.instances is None:
            raise StyleError(self._no_parts(style))

    def check(self, semantics: Semantics) -> None:
        """Raise StyleError where a label map lacks the instance that is changed, or shows another class there."""
        if self.instance is not None:
            self._class_of(self._instance(semantics), semantics)

    def absent(self, semantics: Semantics) -> list[str]:
        """Names of the classes that are changed and that label maps show nothing of; none where one instance is."""
        if self.instance is not None:
            return []
        shown = set(semantics.labels.unique().tolist())
        return [self.names[label] for label in (*self.looks, *self.resample) if label not in shown]

    def applied(self, style: Style, drawn: Style, semantics: Semantics) -> Style:
        """A style after the changes.

        Args:
            style: Of N label maps, or of S pictures of one.
            drawn: As many that are drawn anew.
            semantics: The label maps.

        Raises:
            StyleError: the style has no parts, or there is no such instance.
        """
        if not self:
            return style
        self.check_styles(style)
        chosen, label_of = None, None
        if self.instance is not None:
            chosen = self._instance(semantics)
            label_of = self._class_of(chosen, semantics)
        for label in [*self.looks, *self.resample]:
            if label_of is not None and label != label_of:
                continue
            look = self.looks.get(label)
            other = drawn
            if look is not None:
                look = look if chosen is None else look.largest(label)
                other = look.for_maps(semantics, drawn[:len(semantics)])
            changed = (with_class(style, other, label, semantics) if chosen is None
                       else with_instance(style, other, chosen))
            if changed is None:
                raise StyleError(self._no_parts(style))
            style = style.between(changed, self.shares.get(label, 1.0))
        return style

    def _instance(self, semantics: Semantics) -> Tensor:
        assert self.instance is not None
        wanted = {label: self.names[label] for label in (*self.looks, *self.resample)}
        return instance_at(self.instance, semantics, wanted)

    def _class_of(self, chosen: Tensor, semantics: Semantics) -> int:
        labels = {int(semantics.regions().classes[n, place]) for n, place in enumerate(chosen.tolist())}
        wanted = {*self.looks, *self.resample}
        if len(labels) > 1 or not labels <= wanted:
            found, given = (" and ".join(self.names[label] for label in sorted(some)) for some in (labels, wanted))
            raise StyleError(f"instance={_typed(self.instance)} is {found}, and what is changed is {given}")
        return labels.pop()

    def _no_parts(self, style: Style) -> str:
        if self.instance is not None and style.classes is not None:
            return ("instance=: the styles of this run are those of classes, all instances of a class look alike: "
                    "leave instance out, or take a run with norm=inade and instance maps")
        return ("this run has one style for a whole picture, no part of which can be changed: take a run with "
                "generator=sean, groupdnet or inade")


def label_of(name: str, names: Sequence[str]) -> int:
    """The label of a class.

    Raises:
        StyleError: there is none of that name.
    """
    plain = [_plain(one) for one in names]
    if name not in names and _plain(name) not in plain:
        raise StyleError(f"there is no class {name}: the classes of this run are {', '.join(names)}")
    return list(names).index(name) if name in names else plain.index(_plain(name))


def _plain(name: str) -> str:
    return str(name).lower().replace("_", " ").replace("-", " ")


def _place(instance: Any) -> Place | None:
    """An instance as it is given: an id, or a row and a column."""
    if instance is None or (isinstance(instance, int) and not isinstance(instance, bool)):
        return instance
    sides = list(instance) if isinstance(instance, Sequence) and not isinstance(instance, str) else []
    if len(sides) != 2 or not all(isinstance(side, int) and not isinstance(side, bool) for side in sides):
        raise StyleError(f"instance={instance} must be an id of the instance map, or a point [ROW,COLUMN]")
    return sides[0], sides[1]


def instance_at(place: Place, semantics: Semantics, wanted: Mapping[int, str] | None = None) -> Tensor:
    """(N,) the instance of each label map at a place, in the order of `semsynth.semantics.regions`.

    An id that several classes share is that of most pixels.

    Args:
        place: Where.
        semantics: The label maps.
        wanted: Classes whose instances an error lists, with their names; None: all.

    Raises:
        StyleError: it is not there.
    """
    index = semantics.regions().index
    if isinstance(place, int):
        ids = semantics.labels if semantics.instances is None else semantics.instances
        found = []
        for n, (of_map, numbers) in enumerate(zip(index, ids, strict=True)):
            there = of_map[numbers == place]
            if not len(there) and semantics.instances is None:
                raise StyleError(f"instance={place}: no instance map says which instance that is: give instances=FILE, "
                                 "or a point, instance=[ROW,COLUMN]")
            if not len(there):
                raise StyleError(f"instance={place} is not in the instance map, which has "
                                 f"{_listed(numbers, semantics.labels[n], wanted)}: give one of them, or a point, "
                                 "instance=[ROW,COLUMN]")
            found.append(there.mode().values)
        return torch.stack(found)
    height, width = semantics.size
    row, column = place
    if not (0 <= row < height and 0 <= column < width):
        raise StyleError(f"instance={_typed(place)} lies outside of the picture, which has {height} rows and {width} "
                         "columns")
    return index[:, row, column]


def _listed(numbers: Tensor, labels: Tensor, wanted: Mapping[int, str] | None) -> str:
    """The ids of an instance map (H,W) in words, those of some classes where it has such."""
    chosen = torch.isin(labels, torch.tensor(list(wanted or {}), dtype=labels.dtype, device=labels.device))
    ids = (numbers[chosen] if chosen.any() else numbers).unique().tolist()
    told = ", ".join(map(str, ids[:LISTED])) + (f" and {len(ids) - LISTED} more" if len(ids) > LISTED else "")
    return f"{told} of {' and '.join((wanted or {}).values())}" if chosen.any() else told


def _typed(place: Place | None) -> str:
    return str(place) if isinstance(place, int) or place is None else f"[{place[0]},{place[1]}]"
