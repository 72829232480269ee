"""Checkpoints in the layout of the released code."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from semsynth.checkpoints.convert import to_official
from semsynth.checkpoints.layouts import LAYOUTS, Layout
from semsynth.checkpoints.layouts.class_order import ClassOrder
from semsynth.checkpoints.layouts.sean import a_layer_each
from semsynth.errors import CheckpointError, ConfigError
from semsynth.exporting.options import (
    groupdnet_notes,
    inade_notes,
    oasis_notes,
    official_options,
    pix2pixhd_options,
    sean_options,
)
from semsynth.exporting.source import Source
from semsynth.generators.cc_fpse import CCFPSEGenerator
from semsynth.generators.groupdnet import GroupDNetGenerator
from semsynth.generators.inade import INADEGenerator
from semsynth.generators.oasis import OASISGenerator
from semsynth.generators.pix2pixhd import InstanceStyled
from semsynth.generators.sean import SEANGenerator
from semsynth.generators.spade import SPADEGenerator
from semsynth.norms.base import Norm
from semsynth.weights.files import write_with

LETTERS = {"generator": "G", "discriminator": "D", "encoder": "E"}
OPTIONS: dict[type, Callable[[Source], list[str]]] = {
    OASISGenerator: oasis_notes, GroupDNetGenerator: groupdnet_notes, INADEGenerator: inade_notes,
    SEANGenerator: sean_options}
BASES = (nn.BatchNorm2d, nn.SyncBatchNorm, nn.InstanceNorm2d)


def write_official(source: Source, folder: Path) -> list[str]:
    """latest_net_G.pth, and latest_net_D.pth and latest_net_E.pth where the run has those networks.

    Of OASIS latest_G.pth, or latest_EMA.pth where the moving average is taken, and latest_D.pth. SEAN's encoder lies in
    the generator's file.

    The weights are those of the run, bit for bit, under the names of the released code.

    Returns:
        A line for each file, and what else one has to know to load them there.

    Raises:
        ConfigError: the released code has no such network; says what it lacks.
    """
    if isinstance(source.generator, InstanceStyled):
        return [*_write_parts(source, folder), *pix2pixhd_options(source)]
    if not isinstance(source.generator, SPADEGenerator | CCFPSEGenerator):
        name = type(source.generator).__name__
        known = ", ".join(layout.name for layout in LAYOUTS if layout.part == "generator")
        raise ConfigError(f"format=official: no released layout holds this generator ({name}; known are {known}). "
                          "Take format=safetensors, or onnx")
    _check_bases(source.generator)
    upsamplings = source.generator.upsamplings
    if upsamplings < 5:
        raise ConfigError(f"format=official: the released generators upsample 5, 6 or 7 times, this one {upsamplings}")
    options = OPTIONS.get(type(source.generator), official_options)
    return [*_write_parts(source, folder), *options(source)]


def _write_parts(source: Source, folder: Path) -> list[str]:
    """The files of all networks that there are; a line for each."""
    held: dict[str, Any] = {}
    lines, order = [], ClassOrder(len(source.condition.classes), source.condition.unknown)
    of_oasis = isinstance(source.generator, OASISGenerator)
    for part, letter in LETTERS.items():
        state = source.saved.part(part, source.weights)
        if state is None:
            continue
        layout, renamed = _renamed(part, state, order)
        if isinstance(source.generator, SEANGenerator) and part != "discriminator":
            held |= a_layer_each(renamed)
            renamed, letter = OrderedDict(held), LETTERS["generator"]  # which the encoder, the last part, completes
        if of_oasis:
            letter = "EMA" if part == "generator" and source.weights == "ema" else letter
        path = folder / f"latest_{'' if of_oasis else 'net_'}{letter}.pth"
        write_with(path, partial(torch.save, renamed))
        lines.append(f"{path.name}: {part} in the layout {layout.name}")
    return lines


def _check_bases(generator: nn.Module) -> None:
    for name, norm in generator.named_modules():
        if isinstance(norm, Norm) and (type(norm.base) not in BASES or getattr(norm.base, "affine", False)):
            raise ConfigError(f"format=official: the released code normalises by batch or instance without learned "
                              f"parameters, {name} by {norm.base}")


def _renamed(part: str, state: dict[str, Any], order: ClassOrder) -> tuple[Layout, OrderedDict[str, Any]]:
    """The layout that a state dict fits, and the state dict in it."""
    reasons = {}
    layouts = [layout for layout in LAYOUTS if layout.part == part]
    for layout in layouts:
        try:
            renamed = OrderedDict(to_official(layout, state, order))
            if not layout.recognise(renamed):
                raise CheckpointError(f"it lacks what makes a {part} of {layout.name}")
            layout.describe(renamed)
        except CheckpointError as error:
            reasons[layout.name] = str(error)
            continue
        return layout, renamed
    nearest = min(layouts, key=lambda layout: _homeless(layout, state))
    raise ConfigError(f"format=official: no released layout holds this {part} (known are "
                      f"{', '.join(reasons)}); the nearest fails since {reasons[nearest.name]}. Take "
                      "format=safetensors, or onnx")


def _homeless(layout: Layout, state: dict[str, Any]) -> int:
    """Number of tensors that a layout has no place for."""
    count = 0
    for key in state:
        try:
            layout.official(key)
        except CheckpointError:
            count += 1
    return count
