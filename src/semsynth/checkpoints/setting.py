"""The setting of a released model: what its tensors say, and what they cannot say from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from semsynth.checkpoints.discriminator_setting import discriminator_values
from semsynth.checkpoints.files import ImportHints
from semsynth.checkpoints.groupdnet_setting import groupdnet_values
from semsynth.checkpoints.inade_setting import inade_values
from semsynth.checkpoints.layouts.backbone import GeneratorFacts
from semsynth.checkpoints.layouts.fpse import FPSEFacts
from semsynth.checkpoints.layouts.groupdnet import GroupDNetFacts
from semsynth.checkpoints.layouts.inade import INADEFacts
from semsynth.checkpoints.layouts.oasis import OASISFacts
from semsynth.checkpoints.layouts.patchgan import DiscriminatorFacts
from semsynth.checkpoints.layouts.pix2pixhd import Pix2PixHDFacts
from semsynth.checkpoints.layouts.sean import SEANFacts
from semsynth.checkpoints.layouts.style_encoder import EncoderFacts
from semsynth.checkpoints.oasis_setting import oasis_values
from semsynth.checkpoints.pix2pixhd import pix2pixhd_overrides, usual_size
from semsynth.checkpoints.sean import sean_values
from semsynth.errors import CheckpointError

# released models: input channels without the edges -> choice of conf/dataset; only those of two read edges
PUBLISHED = {151: "ade20k", 183: "coco_stuff", 35: "cityscapes", 19: "celebamask_hq"}
WITH_EDGES = ("coco_stuff", "cityscapes")
AnyFacts = GeneratorFacts | Pix2PixHDFacts


@dataclass(frozen=True)
class DataFacts:
    """What a data set's yaml says: its choice, label channels, size (H, W)."""

    name: str
    num_classes: int
    size: tuple[int, int]


@dataclass(frozen=True)
class Setting:
    """What a configuration needs to build the networks.

    Attributes:
        dataset: Choice of conf/dataset; None: classes without names.
        num_classes: Label channels, an unknown class included.
        edges: Whether edges are one more channel.
        size: (H, W) of the training images.
        upsamplings: Of the generator.
        notes: In words, what was concluded from something else than the tensors.
    """

    dataset: str | None
    num_classes: int
    edges: bool
    size: tuple[int, int]
    upsamplings: int
    notes: tuple[str, ...] = ()


def likely_dataset(facts: AnyFacts) -> str | None:
    """The data set of the papers that alone has this number of input channels, if one has."""
    if facts.channels is None:
        return None
    for edges in (False, True) if facts.edges is None else (facts.edges,):
        name = PUBLISHED.get(facts.channels - edges)
        if name is not None and (not edges or name in WITH_EDGES):
            return name
    return None


def conclude(facts: AnyFacts, told: ImportHints, data: DataFacts | None) -> Setting:
    """Put together what the tensors, the options and the data set say.

    Args:
        facts: Of the generator.
        told: Size, upsamplings and edges as given; `dataset` where it was named rather than concluded.
        data: The data set that was named or concluded; None: none.

    Raises:
        CheckpointError: they contradict each other, or something cannot be concluded; says what to give.
    """
    notes = []
    num_classes, edges = _classes(facts, told, data)
    if data is not None and told.dataset is None:
        channels = f"{num_classes} label channels{' and the edges' if edges else ''}"
        notes.append(f"dataset={data.name}, which alone has {channels} (give dataset= if it is another)")
    size = told.size or (data.size if data else None)
    if isinstance(facts, Pix2PixHDFacts):
        size, note = (size, "") if told.size else usual_size(facts, data.name if data else None, size)
        notes += [note] if note else []
        if size is None:
            raise CheckpointError("the file cannot say which size it was trained for: give size=[HEIGHT,WIDTH], or "
                                  "dataset=NAME")
        return Setting(data.name if data else None, num_classes, edges, size, 0, tuple(notes))
    if size is None:
        besides = "" if len(facts.upsamplings) == 1 else " (and upsamplings=5 or 6, if not the usual)"
        raise CheckpointError(f"the file cannot say which size it was trained for{_grids(facts, None)}: give "
                              f"size=[HEIGHT,WIDTH]{besides}, or dataset=NAME")
    upsamplings, note = _upsamplings(facts, told, size, data)
    notes += [note] if note else []
    return Setting(data.name if data else None, num_classes, edges, size, upsamplings, tuple(notes))


def _classes(facts: AnyFacts, told: ImportHints, data: DataFacts | None) -> tuple[int, bool]:
    """Label channels, and whether edges are one more."""
    channels = facts.channels
    if facts.edges is not None and told.edges is not None and facts.edges != told.edges:
        raise CheckpointError(f"edges={str(told.edges).lower()} is not what the file says: it has "
                              f"{'an' if facts.edges else 'no'} edge feature")
    edges = facts.edges if facts.edges is not None else told.edges
    num_classes = facts.num_classes
    if num_classes is None:
        if channels is None:
            raise CheckpointError("the file does not say how many classes there are: give dataset=NAME")
        if edges is None:
            edges = data is not None and channels == data.num_classes + 1
        num_classes = channels - edges
    if data is not None and num_classes != data.num_classes:
        has = f"{channels} input channels for the label map" if facts.num_classes is None else f"{num_classes} classes"
        raise CheckpointError(f"dataset={data.name} has {data.num_classes} classes, but the file has {has}"
                              f"{' and edges' if edges else ''}: take another dataset, or leave it out")
    if num_classes < 1:
        raise CheckpointError(f"{channels} input channels leave no class")
    return num_classes, bool(edges)


def _upsamplings(facts: GeneratorFacts, told: ImportHints, size: tuple[int, int],
                 data: DataFacts | None) -> tuple[int, str]:
    """The number of upsamplings; and, where it was concluded, from what."""
    candidates = list(facts.upsamplings)
    if told.upsamplings is not None and told.upsamplings not in candidates:
        raise CheckpointError(f"upsamplings={told.upsamplings} is not what the file says: it has " + (
            f"features of the label map for {candidates[0]}" if facts.sizes is not None else
            "six blocks, which come with 5" if candidates == [5] else
            "groups of channels, which come with 6" if isinstance(facts, GroupDNetFacts) else
            f"{'an' if facts.most else 'no'} eighth block, which comes with 7 and only with 7"))
    usual = 5 if max(data.size if data else size) <= 256 else 6
    order = candidates if told.upsamplings is None else [told.upsamplings]
    for count in sorted(order, key=lambda n: n != usual):
        if all(side % 2**count == 0 for side in size) and (
                not facts.z_dim or facts.grid == (size[0] >> count) * (size[1] >> count)):
            concluded = told.upsamplings is None and len(candidates) > 1
            source = f"dataset={data.name}" if data else f"size=[{size[0]},{size[1]}]"
            return count, f"{count} upsamplings, as usual for {source}" if concluded else ""
    raise CheckpointError(f"size=[{size[0]},{size[1]}] does not go with {' or '.join(map(str, order))} upsamplings"
                          f"{_grids(facts, size)}: give size=[HEIGHT,WIDTH] and upsamplings= that do")


def _grids(facts: GeneratorFacts, size: tuple[int, int] | None) -> str:
    if not facts.z_dim:
        return "" if size is None else ", which must divide it without rest"
    counts = facts.upsamplings
    side = facts.grid ** 0.5
    squares = [f"[{int(side) << n},{int(side) << n}] with {n}" for n in counts] if side.is_integer() else []
    examples = f", as {' or '.join(squares)} upsamplings have" if squares else ""
    return f" (its start grid has {facts.grid} positions{examples})"


def overrides(setting: Setting, facts: AnyFacts, discriminator: DiscriminatorFacts | FPSEFacts | None,
              encoder: EncoderFacts | None) -> list[str]:
    """The setting as overrides of a training's configuration.

    Raises:
        CheckpointError: discriminator or encoder do not go with the generator.
    """
    if isinstance(facts, Pix2PixHDFacts):
        return [f"{key}={_word(value)}"
                for key, value in pix2pixhd_overrides(setting, facts, discriminator, encoder).items()]
    values: dict[str, Any] = {
        "dataset.instances": setting.edges, "size": list(setting.size), "base": facts.base, "norm": facts.norm,
        "generator.ngf": facts.ngf, "generator.upsamplings": setting.upsamplings,
        "generator.out_channels": facts.out_channels, "encoder": "style" if facts.z_dim else "none",
    }
    if isinstance(facts, OASISFacts):
        del values["generator.upsamplings"]
        values |= oasis_values(setting.num_classes, facts, discriminator)
        discriminator = None
    elif isinstance(facts, SEANFacts):
        values |= sean_values(facts, encoder, discriminator)
        encoder = None
    elif isinstance(facts, GroupDNetFacts):
        values |= groupdnet_values(facts, encoder)
        encoder = None
    elif isinstance(facts, INADEFacts):
        values |= inade_values(facts, encoder) | {"dataset.instances": setting.edges or setting.dataset in WITH_EDGES}
        encoder = None
    elif facts.generator != "spade":
        values["generator"] = facts.generator
    for part, found, kinds in (("discriminator", discriminator, (DiscriminatorFacts, FPSEFacts)),
                               ("encoder", encoder, (EncoderFacts,))):
        if found is not None and not isinstance(found, kinds):
            raise CheckpointError(f"the {part} is none that goes with a generator of SPADE or its kin: is it another "
                                  "model's?")
    if facts.pyramid is not None:
        values |= {"generator.hidden": facts.hidden, "generator.pyramid": facts.pyramid}
    elif facts.norm == "spade":
        values |= {"norm.hidden": facts.hidden, "norm.kernel_size": facts.kernel_size}
    if facts.norm == "clade_icpe":
        values["icpe"] = "released"
    if values["encoder"] == "style":
        values["encoder.z_dim"] = facts.z_dim
    if encoder is not None:
        values |= _encoder(facts, encoder)
    if isinstance(discriminator, FPSEFacts):
        values |= _fpse(setting, facts, discriminator)
    elif discriminator is not None:
        values |= discriminator_values(discriminator, setting.num_classes + setting.edges + facts.out_channels)
    return [f"{key}={_word(value)}" for key, value in values.items()]


def _fpse(setting: Setting, facts: GeneratorFacts, discriminator: FPSEFacts) -> dict[str, Any]:
    reads, wanted = (discriminator.channels, discriminator.image_channels), (setting.num_classes + setting.edges,
                                                                             facts.out_channels)
    if reads != wanted:
        raise CheckpointError(f"the discriminator reads {reads[0]} channels of label maps and {reads[1]} of images, "
                              f"this generator has {wanted[0]} and {wanted[1]}: is it another model's?")
    return {"discriminator": "fpse", "discriminator.ndf": discriminator.ndf}


def _encoder(facts: GeneratorFacts, encoder: EncoderFacts) -> dict[str, Any]:
    if encoder.z_dim != facts.z_dim:
        takes = f"takes one of {facts.z_dim}" if facts.z_dim else "takes none"
        raise CheckpointError(f"the encoder makes a style vector of {encoder.z_dim} values, but the generator {takes}: "
                              "is it another model's?")
    side = 4 << encoder.depth  # whatever the images' size, it reads them at this one
    return {"encoder.nef": encoder.nef, "encoder.size": [side, side]}


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value).replace(" ", "")


def class_overrides(num_classes: int, colours: Sequence[Sequence[int]]) -> list[str]:
    """Overrides for classes that nobody named: class_0, class_1 and so on."""
    names = ",".join(f"class_{k}" for k in range(num_classes))
    shades = ",".join(f"[{r},{g},{b}]" for r, g, b in colours)
    return ["dataset=folder", f"dataset.num_classes={num_classes}", f"dataset.classes=[{names}]",
            f"dataset.colours=[{shades}]", f"dataset.ids=[{','.join(map(str, range(num_classes)))}]"]
