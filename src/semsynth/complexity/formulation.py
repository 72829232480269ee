"""In which formulation networks are measured: as released, or as they are here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol, TypeVar

from semsynth.complexity.released.cc_fpse import PublishedCCFPSE
from semsynth.complexity.released.inade import PublishedINADE
from semsynth.complexity.released.pix2pixhd import PublishedPix2PixHD
from semsynth.complexity.released.sean import PublishedSEAN
from semsynth.complexity.released.spade import PublishedSPADE
from semsynth.generators.cc_fpse import CCFPSEGenerator
from semsynth.generators.crn import CRNGenerator
from semsynth.generators.dagan import DAGANGenerator
from semsynth.generators.groupdnet import GroupDNetGenerator
from semsynth.generators.inade import INADEGenerator
from semsynth.generators.oasis import OASISGenerator
from semsynth.generators.pix2pixhd import InstanceStyled
from semsynth.generators.sean import SEANGenerator
from semsynth.generators.spade import SPADEGenerator
from semsynth.interfaces import Generator

Formulation = Literal["published", "fast"]
"""`published`: as `semsynth.complexity.released` has it; `fast`: as the networks of this project are."""

# others that derive from these begin in another way
SPADES = (SPADEGenerator, DAGANGenerator, OASISGenerator, GroupDNetGenerator)
ONE_FORM = "published and fast"
"""What records say of a network that has one form."""


def has_one_form(generator: Generator) -> bool:
    """Whether both formulations are the same: CRN's label maps are averages, of which nothing is looked up."""
    return isinstance(generator, CRNGenerator)


def as_published(generator: Generator) -> Generator:
    """A generator as published; it shares all weights with ours, which stays as it is.

    Raises:
        ValueError: a generator or a norm that the papers do not have.
    """
    if isinstance(generator, SPADEGenerator) and type(generator) in SPADES:
        return PublishedSPADE(generator)
    if isinstance(generator, INADEGenerator):
        return PublishedINADE(generator)
    if isinstance(generator, SEANGenerator):
        return PublishedSEAN(generator)
    if isinstance(generator, CCFPSEGenerator):
        return PublishedCCFPSE(generator)
    if isinstance(generator, InstanceStyled):
        return PublishedPix2PixHD(generator)
    if has_one_form(generator):
        return generator
    raise ValueError(f"formulation=published knows the generators of SPADE, OASIS, DAGAN, SEAN, GroupDNet, INADE, "
                     f"CC-FPSE, pix2pixHD and CRN, not {type(generator).__name__}: take formulation=fast")


class Trains(Protocol):
    """What trains a generator."""

    generator: Generator


System = TypeVar("System", bound=Trains)


def build_generator(build: Callable[[], Generator], formulation: Formulation) -> Generator:
    """The generator that `build` makes, in a formulation."""
    generator = build()
    return as_published(generator) if formulation == "published" else generator


def build_system(build: Callable[[], System], formulation: Formulation) -> System:
    """The LightningModule that `build` makes, with its generator in a formulation; the other networks are ours."""
    system = build()
    if formulation == "published":
        system.generator = as_published(system.generator)
    return system
