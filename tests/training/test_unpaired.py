"""The segmenter in the loop: who learns from what, and that no pairing leaks."""

import copy
from functools import partial

import pytest
import pytorch_lightning as pl
import torch
from torch.testing import assert_close
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
from semsynth.norms.spade import SPADE
from semsynth.segmenters.loop import LoopSegmenter
from semsynth.segmenters.unet import UNet
from semsynth.training.checkpoints import Checkpoints
from semsynth.training.ema import EMA
from semsynth.training.resume import ContinueEpoch
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


def passes(system):
    """Keep the pictures that the segmenter sees in training mode."""
    seen = []
    system.segmenter.register_forward_pre_hook(
        lambda module, arguments: seen.append(arguments[0].detach().clone()) if module.training else None)
    return seen


@pytest.mark.parametrize("regenerate", [True, False])
@pytest.mark.parametrize("real_statistics", [False, True])
def test_the_photographs_move_the_statistics_of_the_segmenter_where_asked(tiny, tmp_path, regenerate, real_statistics):
    system = make_system(regenerate_fake=regenerate, real_statistics=real_statistics)
    before, seen = copy.deepcopy(system), passes(system)
    fit(tiny, tmp_path, system, limit_train_batches=1)
    real = next(iter(Data().train_dataloader()))["image"]
    assert len(seen) == 1 + real_statistics  # and none in the discriminator's step
    assert torch.equal(seen[0], real) == real_statistics
    assert not torch.equal(seen[-1], real)
    first = system.segmenter.network.down[0]
    expected, channel = torch.zeros(first[1].num_features), before.segmenter.network.down[0][0]
    for images in seen:  # the first convolution's output, in the mean
        expected = 0.9 * expected + 0.1 * channel(images).mean((0, 2, 3))
    assert_close(first[1].running_mean, expected)


def test_statistics_alone_change_no_gradient(tiny, tmp_path):
    states = []
    for real_statistics in (False, True):
        system = make_system(real_statistics=real_statistics)
        fit(tiny, tmp_path, system, limit_train_batches=1)
        states.append(dict(system.named_parameters()))
    for name, value in states[0].items():
        assert_close(states[1][name], value, msg=name)


@pytest.mark.parametrize(("extra", "settings"), [(("paired",), {"unpaired": "as_released"}), (("cycle", "label"), {})])
def test_photographs_that_a_term_segments_are_not_segmented_twice(tiny, tmp_path, extra, settings):
    system = make_system(extra=extra, real_statistics=True, **settings)
    seen = passes(system)
    fit(tiny, tmp_path, system, limit_train_batches=1)
    assert len(seen) == 2


def test_a_frozen_segmenter_keeps_its_statistics(tiny, tmp_path):
    system = make_system(frozen=True, real_statistics=True)
    before = copy.deepcopy(system.segmenter.state_dict())
    fit(tiny, tmp_path, system)
    for name, value in system.segmenter.state_dict().items():
        assert torch.equal(value, before[name]), name


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_the_segmenter_learns_after_a_look_at_photographs(tiny, tmp_path, precision):
    system = make_system(real_statistics=True)
    before = copy.deepcopy(system)
    fit(tiny, tmp_path, system, limit_train_batches=1, precision=precision)
    trained = {name for name, _ in system.named_parameters() if name.startswith("segmenter.")}
    assert changed(before, system, "segmenter") == trained


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
