"""Styles that are given, of pictures or of saved codes, and what their codes are of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from semsynth.errors import StyleError
from semsynth.semantics import Semantics
from semsynth.semantics.regions import Regions
from semsynth.style import Style
from semsynth.synthesis.patches import NO_INSTANCES, Patch, with_patches
from semsynth.synthesis.regional import at_instances


@dataclass(frozen=True)
class Reference:
    """A style that is given.

    Attributes:
        style: Of N pictures.
        regions: The instances (or classes, where there are no instance maps) of these pictures; None: not known, codes
            of instances are those of the label maps that are drawn.
        name: What errors call it.
        patches: Regions of the label maps that look otherwise, see `semsynth.synthesis.patches.with_patches`.
    """

    style: Style
    regions: Regions | None = None
    name: str = "style"
    patches: Sequence[Patch] = ()

    def for_maps(self, semantics: Semantics, drawn: Style) -> Style:
        """The style for label maps: one picture's for each of them, or that of as many.

        Codes of instances go to instances of the same class, see `semsynth.synthesis.regional.counterparts`; one of a
        class that the pictures lack has the code that is drawn.

        Args:
            semantics: The label maps.
            drawn: A style of them.

        Raises:
            StyleError: there are neither one style nor as many as label maps, fewer codes than instances, or patches
                that the network cannot change.
        """
        return with_patches(self._for_maps(semantics, drawn), self.patches, semantics)

    def _for_maps(self, semantics: Semantics, drawn: Style) -> Style:
        count = len(semantics)
        try:
            style = self.style.spread(count)
        except ValueError as error:
            raise StyleError(f"{self.name}: {error}") from None
        if drawn.instances is None:
            return style
        regions = semantics.regions()
        if style.instances is None and style.classes is not None:  # each instance as its class
            places = regions.classes.clamp_min(0)[..., None].to(style.classes.device)
            codes = style.classes.gather(1, places.expand(-1, -1, style.classes.shape[2]))
            return replace(style, classes=None, instances=codes, posterior=None)
        if style.instances is None:
            return style
        if self.regions is None:
            own, wanted = style.instances.shape[1], regions.classes.shape[1]
            if own != 1 and own < wanted:
                raise StyleError(f"{self.name} has codes for {own} instances, the label maps have {wanted}: give the "
                                 "label map and the instance map that they are of as well")
            return replace(style, instances=style.instances[:, :wanted], posterior=None)
        others = self.regions.map(lambda x: x.expand(count, *x.shape[1:]))
        return at_instances(style, others, regions, drawn)

    def check_class(self, label: int, names: Sequence[str]) -> None:
        """Raise StyleError where one of the pictures shows nothing of a class, so that it cannot look as there."""
        if self.style.classes is None and self.style.instances is None:
            raise StyleError(f"{self.name} is one style for a whole picture: give {names[label]} the codes of a "
                             "run with styles by class or by instance")
        if self.regions is None:
            return
        for n, classes in enumerate(self.regions.classes):
            if not (classes == label).any():
                there = ", ".join(names[k] for k in classes[classes >= 0].unique().tolist())
                one = self.name if len(self.regions.classes) == 1 else f"{self.name}[{n}]"
                raise StyleError(f"{one} shows no {names[label]} (it shows {there}): take another picture for it")

    def largest(self, label: int) -> Reference:
        """With the code of the largest instance of a class, for every instance."""
        if self.style.instances is None or self.regions is None:
            return self
        sizes = torch.where(self.regions.classes == label, self.regions.sizes, 0)
        places = sizes.argmax(1).to(self.style.instances.device)
        rows = torch.arange(len(places), device=places.device)
        code = self.style.instances[rows, places][:, None]
        return replace(self, style=replace(self.style, instances=code, posterior=None), regions=None)

    def check_fits(self, drawn: Style) -> None:
        """Raise StyleError where a run reads no such codes, as a style tells that is drawn for a label map."""
        mine, theirs = ({name: code.shape[1:] for name, code in style.codes().items() if name != "noise"}
                        for style in (self.style, drawn))
        for name, shape in mine.items():
            of_each = name in ("classes", "instances") and "instances" in theirs  # a class's for each of its instances
            if (shape[-1] != theirs["instances"][-1]) if of_each else (shape != theirs.get(name)):
                raise StyleError(f"{self.name} holds {_in_words(mine)}, and this run reads {_in_words(theirs)}: they "
                                 "are codes of another network")
        if self.patches and "instances" not in theirs:
            raise StyleError(f"{self.name}: {NO_INSTANCES}")


def _in_words(codes: dict[str, torch.Size]) -> str:
    return " and ".join(f"{name} (N,{','.join(map(str, shape))})" for name, shape in codes.items()) or "no such codes"
