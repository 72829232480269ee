"""Narrow networks with a segmenter in the loop, and random streams to train them on."""

from functools import partial

import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader

from semsynth.data.sampler import ResumableSampler
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
from semsynth.losses.segmentation import PairedSegmentationLoss, SegmentationLoss
from semsynth.norms.clade import CLADE
from semsynth.segmenters.loop import LoopSegmenter
from semsynth.segmenters.unet import UNet
from semsynth.training.seeding import SeededBatches
from semsynth.training.unpaired import UnpairedSystem

CLASSES, SIZE = 3, 32
NAMES = ["unknown", "a", "b"]


def patchgan(**settings):
    return MultiscaleDiscriminator(CLASSES, ndf=4, num_layers=2, num_scales=1, conditional=False, init_gain=1.0,
                                   **settings)


def make_system(*, extra=(), frozen=False, z_dim=0, norm=CLADE, **settings):
    """`extra`: names of further loss terms."""
    torch.manual_seed(0)
    losses = {"generator": {"adversarial": GeneratorAdversarial(Hinge()), "segmentation": SegmentationLoss()},
              "discriminator": {"adversarial": DiscriminatorAdversarial(Hinge())}}
    known = {"cycle": CycleConsistency(), "paired": PairedSegmentationLoss(), "matching": FeatureMatching(),
             "reconstruction": PairedReconstruction(), "label": LabelGeneratorAdversarial(Hinge())}
    losses["generator"] |= {name: known[name] for name in extra}
    if "label" in extra:
        losses["discriminator"]["label"] = LabelDiscriminatorAdversarial(Hinge())
    optimizers = {part: partial(torch.optim.Adam, lr=1e-2, betas=(0.0, 0.9)) for part in losses}
    generator = SPADEGenerator(norm, CLASSES, size=(SIZE, SIZE), ngf=4, z_dim=z_dim, init_gain=1.0)
    encoder = StyleEncoder(size=(SIZE, SIZE), z_dim=z_dim, nef=4) if z_dim else None
    segmenter = LoopSegmenter(UNet(CLASSES, (4, 8)), classes=NAMES, ignore=0, frozen=frozen)
    second = patchgan(image_channels=CLASSES) if "label" in extra else None
    settings = {"num_classes": CLASSES, "epochs": 2, "regenerate_fake": False, **settings}
    return UnpairedSystem(generator, patchgan(), encoder, losses, optimizers, segmenter, second, **settings)


class Streams(torch.utils.data.Dataset):
    """Random label maps beside random photographs, and pairs, by (epoch, index) alone."""

    def __init__(self, paired):
        self.epoch, self.paired = 0, paired

    def set_epoch(self, epoch):
        self.epoch = epoch

    def __len__(self):
        return 6

    def __getitem__(self, index):
        chance = torch.Generator().manual_seed(100 * self.epoch + index)

        def pair():
            return {"image": torch.rand(3, SIZE, SIZE, generator=chance) * 2 - 1, "name": str(index),
                    "labels": torch.randint(0, CLASSES, (SIZE // 8, SIZE // 8), generator=chance)
                    .repeat_interleave(8, 0).repeat_interleave(8, 1)}

        return {**pair(), "image_name": "x", **({"paired": pair()} if self.paired else {})}


class Data(pl.LightningDataModule):
    def __init__(self, paired=False):
        super().__init__()
        self.paired = paired

    def train_dataloader(self):
        streams = Streams(self.paired)
        sampler = ResumableSampler(len(streams), seed=0, shuffle=True, on_epoch=streams.set_epoch)
        return DataLoader(streams, 2, sampler=sampler, drop_last=True)

    def val_dataloader(self):
        return DataLoader(Streams(False), 2)


def fit(tiny, path, system, *callbacks, paired=False, **settings):
    settings = {"max_epochs": 1, "limit_train_batches": 2, "limit_val_batches": 0, **settings}
    trainer = tiny.trainer(path, [SeededBatches(7), *callbacks], **settings)
    trainer.fit(system, datamodule=Data(paired))
    return trainer


def batch(paired=False, seed=0):
    streams = Streams(paired)
    streams.epoch = seed
    return torch.utils.data.default_collate([streams[0], streams[1]])


def changed(before, after, part):
    return {name for name, value in after.state_dict().items() if name.startswith(f"{part}.")
            and name in dict(after.named_parameters()) and not torch.equal(value, before.state_dict()[name])}
