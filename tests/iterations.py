"""Whole trainings of real networks at their narrowest, for tests of how an iteration runs, not of what it learns."""

from copy import deepcopy
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader

from semsynth.complexity.weights import random_vgg
from semsynth.discriminators.patchgan import MultiscaleDiscriminator
from semsynth.encoders.style import StyleEncoder
from semsynth.generators.spade import SPADEGenerator
from semsynth.losses.adversarial import (
    DiscriminatorAdversarial,
    GeneratorAdversarial,
    Hinge,
    LabelDiscriminatorAdversarial,
    LabelGeneratorAdversarial,
)
from semsynth.losses.cycle import CycleConsistency, PairedReconstruction
from semsynth.losses.feature_matching import FeatureMatching
from semsynth.losses.kl import KLDivergence
from semsynth.losses.perceptual import Perceptual
from semsynth.losses.segmentation import PairedSegmentationLoss, SegmentationLoss
from semsynth.norms.base import group_norm
from semsynth.norms.clade import CLADE, CLADE_DISTF, CLADE_ICPE
from semsynth.norms.schedule import Mixed
from semsynth.norms.spade import SPADE
from semsynth.segmenters.loop import LoopSegmenter
from semsynth.segmenters.unet import UNet
from semsynth.semantics import Semantics
from semsynth.training.adversarial import AdversarialSystem
from semsynth.training.outputs import Batch
from semsynth.training.paired import PairedSystem
from semsynth.training.unpaired import UnpairedSystem

CLASSES, SIZE, BATCH = 5, 32, 2
UNPAIRED = [{"frozen": True}, {"extra": ("paired", "reconstruction"), "style": True, "regenerate_fake": False},
            {"extra": ("cycle", "label"), "soft": "straight_through", "real_statistics": True}]
_spade = partial(SPADE, hidden=8)
NORMS = {"spade": partial(_spade, edges=True), "clade": partial(CLADE, edges=True), "clade_icpe": CLADE_ICPE,
         "clade_distf": CLADE_DISTF, "mixed": Mixed(_spade, CLADE), "group": partial(CLADE, base=group_norm)}


@cache
def perceptual():
    """With random weights."""
    with TemporaryDirectory() as folder:
        return Perceptual(str(random_vgg(Path(folder) / "vgg.pth")))


def generator(norm, z_dim=0, **settings):
    edges = norm in ("spade", "clade")
    return SPADEGenerator(NORMS[norm], CLASSES, size=(SIZE, SIZE), ngf=4, z_dim=z_dim, edges=edges,
                          **{"init_gain": 1.0, **settings})


def paired(norm="clade", *, style=False, vgg=False, optimizer=None, checkpointing=False, **settings):
    """A system for pairs, with the published terms."""
    terms = {"adversarial": GeneratorAdversarial(Hinge()), "feature_matching": FeatureMatching(), "kl": KLDivergence()}
    if vgg:
        terms["perceptual"] = deepcopy(perceptual())  # a system moves its networks to its device
    losses = {"generator": terms, "discriminator": {"adversarial": DiscriminatorAdversarial(Hinge())}}
    return PairedSystem(
        generator(norm, 4 * style, checkpointing=checkpointing), MultiscaleDiscriminator(CLASSES, edges=True, ndf=4),
        StyleEncoder((SIZE, SIZE), z_dim=4, nef=4) if style else None, losses, _optimizers(optimizer),
        num_classes=CLASSES, epochs=1, **settings)


def unpaired(norm="mixed", *, extra=(), frozen=False, style=False, optimizer=None, **settings):
    """A system with a segmenter in the loop; `extra`: further terms."""
    def patchgan(channels=3):
        return MultiscaleDiscriminator(CLASSES, conditional=False, ndf=4, image_channels=channels)

    known = {"cycle": CycleConsistency(), "paired": PairedSegmentationLoss(), "reconstruction": PairedReconstruction(),
             "label": LabelGeneratorAdversarial(Hinge())}
    terms = {"adversarial": GeneratorAdversarial(Hinge()), "segmentation": SegmentationLoss(counts="dataset")}
    losses = {"generator": terms | {name: known[name] for name in extra},
              "discriminator": {"adversarial": DiscriminatorAdversarial(Hinge())}}
    if "label" in extra:
        losses["discriminator"]["label"] = LabelDiscriminatorAdversarial(Hinge())
    names = ["unknown", *"abcd"]
    return UnpairedSystem(
        generator(norm, 4 * style), patchgan(), StyleEncoder((SIZE, SIZE), z_dim=4, nef=4) if style else None, losses,
        _optimizers(optimizer), LoopSegmenter(UNet(CLASSES, (4, 8)), classes=names, ignore=0, frozen=frozen),
        patchgan(CLASSES) if "label" in extra else None, num_classes=CLASSES, epochs=1, **settings)


def _optimizers(optimizer):
    make = optimizer or partial(torch.optim.Adam, lr=1e-3, betas=(0.0, 0.9))
    return {"generator": make, "discriminator": make}


def semantics(sizes=(), seed=0):
    """Label maps of regions, with edges and offsets, prepared."""
    chance = torch.Generator().manual_seed(seed)
    labels = torch.randint(CLASSES, (BATCH, 4, 4), generator=chance)
    labels = labels.repeat_interleave(SIZE // 4, 1).repeat_interleave(SIZE // 4, 2)
    edges = F.pad((labels[:, 1:] != labels[:, :-1]).float(), (0, 0, 1, 0))[:, None]
    offsets = torch.rand(BATCH, 2, SIZE, SIZE, generator=chance) * 2 - 1
    return Semantics(labels, CLASSES, edges, offsets).prepare(sizes)


def batches(system, count, pairs=False):
    """A loader of whole batches, the label maps prepared."""
    sizes = system.generator.readings(SIZE, SIZE)

    def pair(seed):
        maps, chance = semantics(sizes, seed), torch.Generator().manual_seed(seed)
        image = torch.rand(BATCH, 3, SIZE, SIZE, generator=chance) * 2 - 1
        return {"image": image, "labels": maps.labels, "semantics": maps}

    made = [pair(i) | ({"paired": pair(-1 - i)} if pairs else {}) for i in range(count)]
    return DataLoader(made, 1, collate_fn=lambda items: items[0])


def reads_prepared(monkeypatch):
    """Let systems take the prepared label maps of a batch."""
    monkeypatch.setattr(AdversarialSystem, "batch_of", lambda self, batch: Batch(batch["semantics"], batch["image"]))
