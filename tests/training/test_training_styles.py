"""Several processes share the training images whose styles are read, and find what one does."""

import copy
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import SimpleNamespace

import pytest
import torch
from enlarged import Big
from torch.testing import assert_close

from semsynth import sharing
from semsynth.encoders.instance_features import InstanceFeatureEncoder
from semsynth.encoders.regions import RegionStyleEncoder
from semsynth.generators.pix2pixhd import Pix2PixHDGenerator
from semsynth.generators.sean import SEANGenerator
from semsynth.norms.ace import ACE_CLADE
from semsynth.training.class_codes import AverageCodes
from semsynth.training.clusters import ClusterFeatures


class Counted:
    """An encoder that counts the images that it has seen."""

    def __init__(self, encoder):
        self.encoder, self.seen = encoder, 0

    def encode(self, image, semantics):
        self.seen += len(image)
        return self.encoder.encode(image, semantics)


@pytest.fixture(params=["codes", "clusters"])
def found(request, tiny, monkeypatch):
    """found() -> buffers of the generator, and how many images were encoded for them, as one process has it."""
    torch.manual_seed(0)
    size = {"num_classes": tiny.classes, "size": (32, 32), "ngf": 1}
    if request.param == "codes":
        generator, encoder = SEANGenerator(partial(ACE_CLADE, codes=3), **size), RegionStyleEncoder(3, nef=1)
        callback = AverageCodes()
    else:
        generator = Pix2PixHDGenerator(**size, blocks=1, features=2, clusters=2)
        encoder, callback = InstanceFeatureEncoder(2, nef=1), ClusterFeatures(least=0)
    monkeypatch.setattr("semsynth.training.training_styles.system_of", lambda module: module)
    loader = tiny.data(length=5).train_dataloader()
    trainer = SimpleNamespace(
        sanity_checking=False, precision_plugin=SimpleNamespace(convert_input=lambda batch: batch),
        train_dataloader=type(loader)(Big(loader.dataset), 2, sampler=loader.sampler, collate_fn=loader.collate_fn),
        strategy=SimpleNamespace(batch_to_device=lambda batch: batch))

    def run():
        own = copy.deepcopy(generator)
        system = SimpleNamespace(generator=own, encoder=Counted(encoder), num_classes=tiny.classes)
        callback.on_validation_epoch_start(trainer, system)
        return getattr(own, request.param).state_dict(), system.encoder.seen

    return run


def test_two_processes_share_the_images(found, monkeypatch):
    """As threads that exchange what they find."""
    alone, seen = found()
    assert seen == 5
    place, barrier, told = threading.local(), threading.Barrier(2, timeout=60), [None, None]

    def gathered(value, title):
        told[place.rank] = value
        barrier.wait()
        both = list(told)
        barrier.wait()
        return both

    def process(rank):
        place.rank = rank
        return found()

    monkeypatch.setattr(sharing, "processes", lambda: (place.rank, 2))
    monkeypatch.setattr(sharing, "gathered", gathered)
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(process, (0, 1)))
    assert [count for _, count in both] == [3, 2]  # batches of two, two and one
    for buffers, _ in both:
        assert buffers.keys() == alone.keys()
        for name, value in alone.items():
            assert_close(buffers[name], value, rtol=0, atol=0)
