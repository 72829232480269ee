"""The segmenter in the loop: who learns from what, and that no pairing leaks."""

import copy
from functools import partial

import pytest
import pytorch_lightning as pl
import torch
from looping import CLASSES, NAMES, SIZE, Data, batch, changed, fit, make_system, patchgan
from torch.testing import assert_close

from semsynth.norms.clade import CLADE
from semsynth.norms.spade import SPADE
from semsynth.segmenters.loop import LoopSegmenter
from semsynth.segmenters.unet import UNet
from semsynth.training.checkpoints import Checkpoints
from semsynth.training.ema import EMA
from semsynth.training.resume import ContinueEpoch
from semsynth.training.seeding import SeededBatches
from semsynth.training.unpaired import UnpairedSystem

EXTRAS = [(), ("paired",), ("paired", "reconstruction"), ("cycle", "label")]


@pytest.mark.parametrize("regenerate", [True, False])
@pytest.mark.parametrize("extra", EXTRAS, ids="+".join)
@pytest.mark.parametrize("z_dim", [0, 2])
def test_every_part_learns(tiny, tmp_path, regenerate, extra, z_dim):
    system = make_system(extra=extra, regenerate_fake=regenerate, z_dim=z_dim)
    before = copy.deepcopy(system)
    fit(tiny, tmp_path, system, paired=bool({"paired", "reconstruction"} & set(extra)))
    for part in ("generator", "discriminator", "segmenter", *(["label_discriminator"] if "label" in extra else []),
                 *(["encoder"] if z_dim else [])):
        assert changed(before, system, part), part
    assert torch.isfinite(torch.cat([p.flatten() for p in system.parameters()])).all()


@pytest.mark.parametrize("regenerate", [True, False])
def test_a_frozen_segmenter_stays_and_teaches(tiny, tmp_path, regenerate):
    system, average = make_system(frozen=True, regenerate_fake=regenerate), EMA(0.9)
    before = copy.deepcopy(system)
    fit(tiny, tmp_path, system, average)
    assert set(average.state_dict()) == {"updates", "generator"}
    for name, value in system.segmenter.state_dict().items():
        assert torch.equal(value, before.segmenter.state_dict()[name]), name
    # the generator learns from it: without the adversarial term, too
    system = copy.deepcopy(before)
    system.losses["generator"]["adversarial"].weight = 0.0
    fit(tiny, tmp_path, system)
    assert changed(before, system, "generator")


@pytest.mark.parametrize("extra", [(), ("paired",), ("cycle", "label")], ids="+".join)
@pytest.mark.parametrize("regenerate", [True, False])
def test_a_segmenter_without_a_channel_for_every_class(tiny, tmp_path, regenerate, extra):
    """As those published for ADE20K, which never answer 0: -inf there, and nothing that is trained becomes NaN."""
    system = make_system(extra=extra, regenerate_fake=regenerate)
    system.segmenter = LoopSegmenter(UNet(CLASSES - 1, (4, 8)), classes=NAMES, class_map=[1, 2], ignore=0)
    before = copy.deepcopy(system)
    fit(tiny, tmp_path, system, paired="paired" in extra)
    assert changed(before, system, "generator")
    assert changed(before, system, "segmenter")
    assert torch.isfinite(torch.cat([p.flatten() for p in system.parameters()])).all()


def test_one_iteration_equals_the_same_steps_written_out(tiny, tmp_path):
    """Both orders take the gradients of the formula: G and S by adversarial + 4 segmentation, D by its own."""
    system = make_system(epochs=1)
    # Adam's first step is the sign of the gradient, which chance decides for a bias before a batch norm
    system._optimizers_of = {part: partial(torch.optim.SGD, lr=0.1) for part in ("generator", "discriminator")}
    reference = copy.deepcopy(system)
    fit(tiny, tmp_path, system, limit_train_batches=1)
    given = next(iter(Data().train_dataloader()))
    micro = reference.batch_of(given)
    of_generator, of_discriminator = reference.configure_optimizers()
    fake = reference.generator(micro.semantics, None)
    with torch.nn.utils.parametrize.cached():
        maps = [reference.discriminator(micro.semantics, x) for x in (fake, micro.real)]
        cut = [reference.discriminator(micro.semantics, x) for x in (fake.detach(), micro.real)]
    logits = reference.segmenter(fake)
    log_p = logits.log_softmax(1)
    truth = micro.semantics.labels
    counts = torch.bincount(truth[truth > 0], minlength=CLASSES) + 1
    alpha = (1 - 0.99) / (1 - 0.99 ** counts.double())
    p = log_p.gather(1, truth[:, None])[:, 0]
    weight = alpha[truth].float() * (truth > 0)
    segmentation = -(weight * (1 - p.exp()) ** 2 * p).sum() / weight.sum()
    total = -maps[0][0][-1].mean() + 4 * segmentation
    total.backward(inputs=[*reference.generator.parameters(), *reference.segmenter.parameters()])
    of_generator.step()
    of_discriminator.zero_grad()
    (torch.relu(1 - cut[1][0][-1]).mean() + torch.relu(1 + cut[0][0][-1]).mean()).backward()
    of_discriminator.step()
    for name, value in reference.named_parameters():
        assert_close(dict(system.named_parameters())[name], value, rtol=1e-4, atol=1e-5, msg=name)


def test_no_pairing_leaks():
    """The generator's losses do not change when the photographs stand beside other label maps."""
    system = make_system()
    given = batch()
    turned = {**given, "image": given["image"].flip(0)}
    system.log = lambda *_, **__: None
    totals = []
    for these in (given, turned):
        twin = copy.deepcopy(system)
        twin.log = lambda *_, **__: None
        twin.__dict__["_device"] = torch.device("cpu")
        micro = twin.batch_of(these)
        step = twin.loss_inputs(micro, twin.draw(micro, "generator"))
        raw = {name: term(step) for name, term in twin.losses["generator"].items()}
        gradient = torch.autograd.grad(sum(raw.values()), list(twin.generator.parameters()), allow_unused=True)
        totals.append([*raw.values(), *(g for g in gradient if g is not None)])
    for one, other in zip(*totals, strict=True):
        assert_close(one, other)


@pytest.mark.parametrize("unpaired", ["shuffled", "disjoint", "labels_only"])
def test_terms_that_compare_pairs_are_refused(unpaired):
    with pytest.raises(ValueError, match="matching compares an image with the photograph"):
        make_system(extra=("matching",), unpaired=unpaired)


def test_as_released_compares_pairs_and_may_use_their_labels(tiny, tmp_path):
    system = make_system(extra=("matching", "paired"), unpaired="as_released")
    micro = system.batch_of(batch())
    assert micro.paired is not None
    assert micro.paired.real is micro.real
    fit(tiny, tmp_path, system)


def test_a_second_discriminator_belongs_to_its_terms():
    system = make_system(extra=("label", "cycle"))
    with pytest.raises(ValueError, match="belong together"):
        UnpairedSystem(system.generator, system.discriminator, None, {"generator": {}, "discriminator": {}}, {},
                       system.segmenter, system.label_discriminator, num_classes=CLASSES, epochs=1)


def test_the_discriminator_sees_images_only():
    discriminator, image = patchgan(), torch.rand(2, 3, SIZE, SIZE)
    system = make_system()
    outputs = [discriminator.eval()(system.batch_of(batch(seed=seed)).semantics, image)[0][-1] for seed in (0, 1)]
    assert torch.equal(*outputs)


@pytest.mark.parametrize("soft", ["probabilities", "straight_through"])
@pytest.mark.parametrize("norm", [CLADE, partial(SPADE, hidden=4)])
def test_the_gradient_of_the_cycle_reaches_the_segmenter(soft, norm):
    system = make_system(extra=("cycle", "label"), soft=soft, norm=norm)
    drawn = system.draw(system.batch_of(batch()), "generator")
    if soft == "straight_through":
        assert set(drawn.maps.detach().round(decimals=5).unique().tolist()) == {0.0, 1.0}
    assert_close(drawn.maps.sum(1), torch.ones(2, SIZE, SIZE))
    gradients = torch.autograd.grad(drawn.cycled.abs().sum(), list(system.segmenter.parameters()), allow_unused=True)
    assert sum(float(g.abs().sum()) for g in gradients if g is not None) > 0


class Stop(pl.Callback):
    """Fails after a batch of the second epoch."""

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        if (trainer.current_epoch, batch_idx) == (1, 0):
            raise InterruptedError


@pytest.mark.parametrize(("extra", "paired"), [(("cycle", "label"), False), (("paired", "reconstruction"), True)])
@pytest.mark.parametrize("regenerate", [True, False])
def test_checkpointing_two_passes_of_the_generator(tiny, tmp_path, regenerate, extra, paired):
    """Each is computed again with its own singular vectors, though the second one has moved them on."""

    class Gradients(pl.Callback):
        def on_before_optimizer_step(self, trainer, pl_module, optimizer):
            if len(trainer.optimizers) == 2 and optimizer is trainer.optimizers[0]:
                self.found = {name: p.grad.clone() for name, p in pl_module.generator.named_parameters()}

    gradients, states = [], []
    for checkpointing in (False, True):
        system, watch = make_system(extra=extra, regenerate_fake=regenerate), Gradients()
        system.generator.checkpointing = checkpointing
        fit(tiny, tmp_path, system, watch, paired=paired, limit_train_batches=1, precision="64-true")
        gradients.append(watch.found)
        states.append(system.state_dict())
    assert_close(gradients[1], gradients[0], rtol=1e-9, atol=1e-12)
    assert_close(states[1], states[0], rtol=1e-7, atol=1e-9)


def test_an_interrupted_run_ends_as_an_uninterrupted_one(tiny, tmp_path):
    def run(path, *callbacks, checkpoint=None):
        system = make_system(extra=("paired",), z_dim=2)
        system.losses["generator"]["segmentation"].counts = "dataset"
        made = [SeededBatches(3), ContinueEpoch(), EMA(0.9), Checkpoints(path, every_n_batches=1), *callbacks]
        trainer = tiny.trainer(path, made, max_epochs=2, limit_val_batches=1)
        trainer.fit(system, datamodule=Data(True), ckpt_path=checkpoint, weights_only=True)
        return torch.load(path / "last.ckpt", weights_only=True)

    whole = run(tmp_path / "whole")
    with pytest.raises(InterruptedError):
        run(tmp_path / "cut", Stop())
    ended = run(tmp_path / "cut", checkpoint=tmp_path / "cut" / "last.ckpt")
    assert set(whole["callbacks"]["EMA"]) == {"updates", "generator", "encoder", "segmenter"}
    for name, value in whole["state_dict"].items():
        assert_close(ended["state_dict"][name], value, msg=name)
