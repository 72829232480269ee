"""Compiled networks see one shape: traced whole, and never again after the first iterations."""

import pytest
import pytorch_lightning as pl
import torch
from iterations import BATCH, CLASSES, SIZE, batches, paired, perceptual, reads_prepared, semantics, unpaired
from torch._dynamo.testing import CompileCounter

from semsynth.discriminators.patchgan import MultiscaleDiscriminator
from semsynth.encoders.style import StyleEncoder
from semsynth.training.adversarial import AdversarialSystem
from semsynth.training.ema import EMA

CUDA = torch.device("cuda")


@pytest.fixture(autouse=True)
def _fresh():
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


@pytest.mark.parametrize("edges", [False, True])
def test_the_discriminator_is_one_graph(edges):
    network = MultiscaleDiscriminator(CLASSES, edges=edges, ndf=4)
    images = torch.randn(2 * BATCH, 3, SIZE, SIZE)
    expected = MultiscaleDiscriminator(CLASSES, edges=edges, ndf=4)
    expected.load_state_dict(network.state_dict())
    found = torch.compile(network, fullgraph=True, backend="eager")(semantics(), images)
    for ours, theirs in zip(found, expected(semantics(), images), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_the_encoder_and_vgg_are_one_graph():
    encoder, images = StyleEncoder((SIZE, SIZE), z_dim=4, nef=4), torch.randn(BATCH, 3, SIZE, SIZE)
    torch.compile(encoder, fullgraph=True, backend="eager")(images)
    torch.compile(perceptual().network, fullgraph=True, backend="eager")(images)


class Frames(pl.Callback):
    """How many graphs there are after each batch."""

    def __init__(self, counter):
        self.counter, self.seen = counter, []

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        self.seen.append(self.counter.frame_count)


@pytest.mark.parametrize("regenerate_fake", [True, False])
@pytest.mark.parametrize("make", [lambda **s: paired("clade", style=True, vgg=True, **s),
                                  lambda **s: unpaired(extra=("cycle", "label"), **s)], ids=["paired", "unpaired"])
def test_nothing_is_compiled_again(tiny, tmp_path, monkeypatch, make, regenerate_fake):
    """What CUDA compiles, here with a backend that costs nothing, also behind a validation."""
    counter, whole = CompileCounter(), AdversarialSystem.static_networks
    compiled = []

    def compile_cheaply(network, **settings):
        compiled.append(network)
        torch.nn.Module.__dict__["compile"].__wrapped__(network, backend=counter, **settings)

    compile_cheaply.__wrapped__ = torch.nn.Module.compile
    monkeypatch.setattr(torch.nn.Module, "compile", compile_cheaply)
    monkeypatch.setattr(AdversarialSystem, "static_networks", lambda self, device: whole(self, CUDA))
    reads_prepared(monkeypatch)
    system = make(compile=True, regenerate_fake=regenerate_fake)
    system.generator.compile = lambda: None  # its kernels are compiled by themselves
    frames = Frames(counter)
    trainer = tiny.trainer(tmp_path, [EMA(0.9), frames], max_epochs=2, log_every_n_steps=3)
    trainer.fit(system, batches(system, 3), batches(system, 1))
    assert system.discriminator in compiled
    assert len(compiled) == 3 if system.encoder is not None else 2
    assert frames.seen[0] > 0
    assert len(set(frames.seen[1:3])) == 1, frames.seen  # within an epoch
    assert len(set(frames.seen[4:])) == 1, frames.seen  # and behind the first validation
