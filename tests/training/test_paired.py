import copy
from functools import partial

import pytest
import pytorch_lightning as pl
import torch
from torch.testing import assert_close

from semsynth.losses.inputs import LossInputs
from semsynth.semantics.batch import semantics_from_batch
from semsynth.training.checkpoints import Checkpoints
from semsynth.training.ema import EMA
from semsynth.training.seeding import SeededBatches, seed_all


def test_one_iteration_equals_the_same_steps_written_out(tiny, tmp_path):
    """G step, then D step on a fresh fake of the stepped G with a fresh z; fake first in D's batch."""
    system = tiny.system(epochs=1, decay_epochs=0)
    data = tiny.data(length=2)
    reference = copy.deepcopy(system)
    trainer = tiny.trainer(tmp_path, [SeededBatches(7)], max_epochs=1, limit_val_batches=0)
    trainer.fit(system, datamodule=data)

    generator, discriminator, encoder = reference.generator, reference.discriminator, reference.encoder
    batch = next(iter(data.train_dataloader()))
    semantics, real = semantics_from_batch(batch, tiny.classes), batch["image"]
    optimizers = reference.configure_optimizers()
    seed_all("training batch", 7, 0, 0, 0)

    def synthesize():
        style = encoder.encode(real)
        return generator(semantics, style.sampled()), style

    def judge(fake):
        maps = discriminator(semantics, torch.cat([fake, real]))[0]
        return [[m[:2] for m in maps]], [[m[2:] for m in maps]]

    fake, style = synthesize()
    step = LossInputs(semantics, real, fake, *judge(fake), style)
    sum(t.weight * t(step) for t in reference.losses["generator"].values()).backward()
    optimizers[0].step()
    discriminator.zero_grad()
    with torch.no_grad():
        fake = synthesize()[0]
    step = LossInputs(semantics, real, fake, *judge(fake))
    sum(t.weight * t(step) for t in reference.losses["discriminator"].values()).backward()
    optimizers[1].step()

    for name, value in reference.state_dict().items():
        assert_close(system.state_dict()[name], value, msg=name)


@pytest.mark.parametrize(("regenerate", "forwards"), [(True, 2), (False, 1)])
def test_the_fake_is_drawn_once_or_twice(tiny, tmp_path, regenerate, forwards):
    system = tiny.system(regenerate_fake=regenerate, epochs=1, decay_epochs=0)
    tiny.trainer(tmp_path, max_epochs=1, limit_val_batches=0).fit(system, datamodule=tiny.data(length=4))
    assert system.generator.norm.num_batches_tracked == 2 * forwards
    # two batches: G and D step see fake and real of two together; or both steps share a pass of each
    assert [n for n, _ in system.discriminator.seen] == ([4] * 4 if regenerate else [2] * 4)


def test_one_pass_equals_the_same_steps_written_out(tiny, tmp_path):
    """G step, then D step on the same fake, each with its own pass through the discriminator."""
    system = tiny.system(epochs=1, decay_epochs=0, regenerate_fake=False)
    data = tiny.data(length=2)
    reference = copy.deepcopy(system)
    tiny.trainer(tmp_path, [SeededBatches(7)], max_epochs=1, limit_val_batches=0).fit(system, datamodule=data)

    batch = next(iter(data.train_dataloader()))
    semantics, real = semantics_from_batch(batch, tiny.classes), batch["image"]
    of_generator, of_discriminator = reference.configure_optimizers()
    seed_all("training batch", 7, 0, 0, 0)
    style = reference.encoder.encode(real)
    fake = reference.generator(semantics, style.sampled())
    reference.discriminator(semantics, real)  # one power iteration of its spectral norm, and no more:
    reference.discriminator.eval()
    for part, optimizer, image in [("generator", of_generator, fake), ("discriminator", of_discriminator,
                                                                       fake.detach())]:
        optimizer.zero_grad()
        maps = [reference.discriminator(semantics, x) for x in (image, real)]
        step = LossInputs(semantics, real, image, *maps, style)
        sum(t.weight * t(step) for t in reference.losses[part].values()).backward()
        optimizer.step()

    for name, value in reference.state_dict().items():
        assert_close(system.state_dict()[name], value, msg=name)


@pytest.mark.parametrize("regenerate", [True, False])
def test_accumulating_equals_a_large_batch(tiny, tmp_path, regenerate):
    """Without batch statistics two batches of 2 make the gradients of one of 4, of both networks."""
    systems = []
    for accumulate, batch in ((1, 4), (2, 2)):
        system = tiny.system(encoder=False, accumulate=accumulate, epochs=1, decay_epochs=0,
                             regenerate_fake=regenerate)
        # a step is the gradient: Adam's would be the same for twice the gradient
        system._optimizers_of = {part: partial(torch.optim.SGD, lr=1.0) for part in ("generator", "discriminator")}
        system.generator.norm, system.generator.drop = torch.nn.Identity(), torch.nn.Identity()
        system.generator.style.weight.data.zero_()  # the z of the two differ
        system.generator.style.weight.requires_grad_(False)
        system.discriminator.first = torch.nn.Conv2d(6, 4, 3)  # a spectral norm would move twice
        system.generator.conv = torch.nn.Conv2d(4, 3, 3, padding=1)
        torch.manual_seed(1)
        for p in (*system.discriminator.first.parameters(), *system.generator.conv.parameters()):
            torch.nn.init.normal_(p)
        trainer = tiny.trainer(tmp_path, max_epochs=1, limit_val_batches=0)
        trainer.fit(system, datamodule=tiny.data(length=8, batch=batch))
        systems.append(system)
    for name, value in systems[0].state_dict().items():
        assert_close(systems[1].state_dict()[name], value, msg=name, rtol=1e-4, atol=1e-5)


def test_the_end_of_an_epoch_flushes_what_is_pending(tiny, tmp_path):
    system = tiny.system(accumulate=4, epochs=2, decay_epochs=0)
    trainer = tiny.trainer(tmp_path, max_epochs=2, limit_val_batches=0)
    trainer.fit(system, datamodule=tiny.data(length=12))  # 6 batches: 4 + 2
    assert trainer.global_step == 2 * 2 * 2  # epochs, windows, optimizers
    assert system._window == []


def test_rates_follow_the_schedule(tiny, tmp_path):
    rates = []

    class Watch(pl.Callback):
        def on_train_epoch_end(self, trainer, pl_module):
            rates.append([o.param_groups[0]["lr"] for o in trainer.optimizers])

    system = tiny.system(epochs=3, decay_epochs=2)
    tiny.trainer(tmp_path, [Watch()]).fit(system, datamodule=tiny.data())
    assert rates == [[1e-2, 4e-2], [1e-2, 4e-2], [5e-3, 2e-2]]


def test_raw_terms_are_logged_under_fixed_keys(tiny, tmp_path):
    system = tiny.system()
    trainer = tiny.trainer(tmp_path, max_epochs=1)
    trainer.fit(system, datamodule=tiny.data())
    assert set(trainer.callback_metrics) == {
        "loss/generator/adversarial", "loss/generator/feature_matching", "loss/generator/kl",
        "loss/discriminator/adversarial", "lr/generator", "lr/discriminator"}


def test_a_term_that_does_not_apply_is_not_logged(tiny, tmp_path):
    system = tiny.system()
    system.losses["generator"]["kl"].applies = lambda inputs: inputs.style is None
    trainer = tiny.trainer(tmp_path, max_epochs=1)
    trainer.fit(system, datamodule=tiny.data())
    assert "loss/generator/adversarial" in trainer.callback_metrics
    assert "loss/generator/kl" not in trainer.callback_metrics


def test_losses_see_float32_under_bf16(tiny, tmp_path):
    seen = set()

    def look(step):
        seen.update(t.dtype for t in (step.fake, step.real, step.style.posterior.mean, *step.fake_maps[0],
                                      *step.real_maps[0]))
        seen.add((step.fake.flatten(1) @ step.real.flatten(1).T).dtype)
        return step.fake.mean()

    system = tiny.system()
    system.losses["generator"]["look"] = tiny.term(look)
    tiny.trainer(tmp_path, precision="bf16-mixed", max_epochs=1).fit(system, datamodule=tiny.data())
    assert seen == {torch.float32}


def test_without_an_encoder_z_is_drawn(tiny, tmp_path):
    system = tiny.system(encoder=False)
    tiny.trainer(tmp_path, max_epochs=1).fit(system, datamodule=tiny.data())
    assert system.encoder is None


def test_z_dims_must_agree(tiny):
    from semsynth.training.paired import PairedSystem

    good = tiny.system()
    good.encoder.z_dim = 5
    with pytest.raises(ValueError, match="z_dim=5"):
        PairedSystem(good.generator, good.discriminator, good.encoder, {}, {}, num_classes=3, epochs=1)


def test_compiling_keeps_the_names(tiny, monkeypatch, tmp_path):
    compiled = []
    monkeypatch.setattr(torch.nn.Module, "compile", lambda self, **_: compiled.append(type(self).__name__))
    system = tiny.system(compile=True)
    names = set(system.state_dict())
    tiny.trainer(tmp_path, max_epochs=1).fit(system, datamodule=tiny.data())
    assert compiled == ["Generator", "Discriminator"]
    assert set(system.state_dict()) == names


@pytest.mark.parametrize(("precision", "dtype"), [("bf16-true", torch.bfloat16), ("64-true", torch.float64),
                                                  ("bf16-mixed", torch.float32)])
@pytest.mark.parametrize("encoder", [True, False])
def test_z_has_the_dtype_of_the_networks(tiny, tmp_path, precision, dtype, encoder):
    """Also where the averages' statistics are estimated, in a validation and for a checkpoint."""
    seen = set()
    system = tiny.system(encoder=encoder, epochs=1, decay_epochs=0)
    system.generator.style.register_forward_pre_hook(lambda _, inputs: seen.add(inputs[0].dtype))
    trainer = tiny.trainer(tmp_path, [EMA(0.9, recalibrate_batches=1), Checkpoints(tmp_path, every_n_batches=2)],
                           max_epochs=1, precision=precision)
    trainer.fit(system, datamodule=tiny.data())
    assert seen == {dtype}
