"""Gradients under 16-mixed, with a scaler of the losses that both optimizers share, against those in float32."""

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.plugins import MixedPrecision
from torch import nn
from torch.testing import assert_close


class Gradients(pl.Callback):
    """What reaches each optimizer's step, and the scaler's factor there."""

    def __init__(self):
        self.found, self.factors = [], []

    def on_before_optimizer_step(self, trainer, pl_module, optimizer):
        self.found.append([p.grad.clone() for group in optimizer.param_groups for p in group["params"]
                           if p.grad is not None])
        scaler = trainer.precision_plugin.scaler if isinstance(trainer.precision_plugin, MixedPrecision) else None
        self.factors.append(scaler and scaler.get_scale())


def gradients_of(tiny, path, weight, plugins=(), prepare=lambda system: None, **settings):
    """Of the generator and of the discriminator in one iteration, with losses of this weight."""
    system = tiny.system(encoder=False, epochs=1, decay_epochs=0, **settings)
    system.generator.drop = nn.Identity()  # chance, drawn otherwise in another precision
    for terms in system.losses.values():
        for term in terms.values():
            term.weight *= weight
    prepare(system)
    torch.manual_seed(1)
    watch = Gradients()
    trainer = tiny.trainer(path, [watch], max_epochs=1, limit_val_batches=0, plugins=list(plugins))
    trainer.fit(system, datamodule=tiny.data(length=2 * system.accumulate))
    return watch


@pytest.mark.parametrize("weight", [1.0, 1e-6])
@pytest.mark.parametrize("settings", [{"regenerate_fake": False}, {"regenerate_fake": False, "accumulate": 2}, {}])
def test_gradients_are_those_of_float32(tiny, tmp_path, settings, weight):
    # the factor doubles after every step, as after 2000 good ones in training
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0 ** 14, growth_interval=1)
    half = gradients_of(tiny, tmp_path, weight, [MixedPrecision("16-mixed", "cpu", scaler)], **settings)
    exact = gradients_of(tiny, tmp_path, weight, **settings)
    assert half.factors == [2.0 ** 14, 2.0 ** 15]
    for found, expected in zip(half.found, exact.found, strict=True):
        error = torch.stack([(a - b).norm() for a, b in zip(found, expected, strict=True)]).norm()
        assert error < 0.05 * torch.stack([b.norm() for b in expected]).norm()


class Overflow(torch.autograd.Function):
    """Infinite gradients."""

    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, grad):
        return grad * torch.inf


def test_a_step_left_out_for_the_generator_leaves_the_discriminators_as_it_is(tiny, tmp_path):
    """The factor falls behind it, and the discriminator's gradients were made before."""
    found = []
    for overflow in (False, True):
        def prepare(system, overflow=overflow):
            if overflow:
                system.generator.register_forward_hook(lambda module, inputs, out: Overflow.apply(out))

        scaler = torch.amp.GradScaler("cpu", init_scale=2.0 ** 10, growth_interval=1)
        watch = gradients_of(tiny, tmp_path, 1.0, [MixedPrecision("16-mixed", "cpu", scaler)], prepare,
                             regenerate_fake=False)
        assert watch.factors == [2.0 ** 10, 2.0 ** (9 if overflow else 11)]
        found.append(watch.found[1])
    assert_close(found[0], found[1])
