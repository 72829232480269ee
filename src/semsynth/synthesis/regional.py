"""Styles in which one class, or one instance, looks as in another style."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from semsynth.semantics import Semantics
from semsynth.semantics.regions import Regions
from semsynth.style import Style


def with_class(style: Style, other: Style, label: int, semantics: Semantics) -> Style | None:
    """A style that looks as another one where label maps show a class, and as before elsewhere; None: it cannot.

    A style has codes by class, or by instance, or is drawn pixel by pixel; one vector for a picture has no parts.

    Args:
        style: Of the label maps.
        other: Of the same label maps, with the same codes.
        label: The class.
        semantics: The label maps.
    """
    if style.classes is not None:
        return style.with_class(label, other)
    if style.instances is not None and other.instances is not None:
        chosen = (semantics.regions().classes == label)[..., None].to(style.instances.device)
        return replace(style, instances=torch.where(chosen, other.instances, style.instances), posterior=None)
    if style.noise is not None and other.noise is not None:
        height, width = style.noise.shape[-2:]
        shown = semantics.prepare([(height, width)]).at(height, width).labels
        chosen = (shown == label)[:, None].to(style.noise.device)
        return replace(style, noise=torch.where(chosen, other.noise, style.noise), posterior=None)
    return None


def with_instance(style: Style, other: Style, chosen: Tensor) -> Style | None:
    """A style that looks as another one in one instance of each label map; None: it has no codes by instance.

    Args:
        style: Of N label maps, or S of a single one.
        other: Of the same label maps; of a single code, it is that of the instance.
        chosen: (N,) int64, the instances, in the order of `semsynth.semantics.regions`.
    """
    if style.instances is None or other.instances is None:
        return None
    places = torch.arange(style.instances.shape[1], device=style.instances.device)
    there = (places == chosen.to(places.device)[:, None])[..., None]
    return replace(style, instances=torch.where(there, other.instances, style.instances), posterior=None)


def counterparts(regions: Regions, others: Regions) -> Tensor:
    """For each instance of label maps (N,I) the one of as many other label maps that it is to look like.

    Of a class the largest looks like the largest, the second largest like the second, and so on, from the largest anew
    where the other label map has fewer; -1 where it has none. Of the same label maps it is each instance itself.
    """
    found = torch.full_like(regions.classes, -1)
    for n, (classes, theirs) in enumerate(zip(regions.classes, others.classes, strict=True)):
        for label in classes[classes >= 0].unique():
            mine, source = (_by_size(one == label, sizes) for one, sizes in
                            ((classes, regions.sizes[n]), (theirs, others.sizes[n])))
            if len(source):
                found[n, mine] = source[torch.arange(len(mine), device=mine.device) % len(source)]
    return found


def at_instances(style: Style, others: Regions, regions: Regions, otherwise: Style | None = None) -> Style:
    """A style whose codes are those of the instances of other label maps, for the instances of these.

    Args:
        style: With codes by instance.
        others: The instances that they are of.
        regions: The instances that they are for, see `counterparts`.
        otherwise: Whose codes are taken for instances without a counterpart; None: zeros.
    """
    assert style.instances is not None
    found = counterparts(regions, others).to(style.instances.device)[..., None]
    taken = style.instances.gather(1, found.clamp_min(0).expand(-1, -1, style.instances.shape[2]))
    rest = torch.zeros_like(taken) if otherwise is None or otherwise.instances is None else otherwise.instances
    return replace(style, instances=torch.where(found >= 0, taken, rest.to(taken)), posterior=None)


def _by_size(chosen: Tensor, sizes: Tensor) -> Tensor:
    """Indices of the chosen, from the largest."""
    places = chosen.nonzero()[:, 0]
    return places[sizes[places].argsort(descending=True, stable=True)]
