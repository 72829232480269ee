"""The codes of classes are averaged before each validation, for the moving average and for what is trained."""

from functools import partial

import torch
from enlarged import Big
from torch.testing import assert_close

from semsynth.discriminators.patchgan import MultiscaleDiscriminator
from semsynth.encoders.regions import RegionStyleEncoder
from semsynth.generators.sean import SEANGenerator
from semsynth.losses.adversarial import DiscriminatorAdversarial, GeneratorAdversarial, Hinge
from semsynth.norms.ace import ACE_CLADE
from semsynth.semantics import Semantics
from semsynth.training.class_codes import AverageCodes
from semsynth.training.ema import EMA
from semsynth.training.paired import PairedSystem


def test_means_of_trained_and_averaged_weights(tiny, tmp_path):
    torch.manual_seed(0)
    generator = SEANGenerator(partial(ACE_CLADE, codes=3), tiny.classes, size=(32, 32), ngf=1)
    discriminator = MultiscaleDiscriminator(tiny.classes, ndf=1, num_layers=2, num_scales=1)
    losses = {"generator": {"adversarial": GeneratorAdversarial(Hinge())},
              "discriminator": {"adversarial": DiscriminatorAdversarial(Hinge())}}
    optimizers = dict.fromkeys(losses, partial(torch.optim.Adam, lr=1e-2))
    system = PairedSystem(generator, discriminator, RegionStyleEncoder(3, nef=1, init_gain=1.0), losses, optimizers,
                          num_classes=tiny.classes, epochs=1)
    data = tiny.data(length=4)
    loaders = {name: getattr(data, f"{name}_dataloader")() for name in ("train", "val")}
    loaders = {name: type(loader)(Big(loader.dataset), 2, sampler=loader.sampler) for name, loader in loaders.items()}
    ema = EMA(0.5)
    tiny.trainer(tmp_path, [ema, AverageCodes()], max_epochs=1).fit(system, *loaders.values())

    held = ema.state_dict()
    assert torch.equal(held["generator"]["codes.means"], generator.codes.means)
    averaged = RegionStyleEncoder(3, nef=1)
    averaged.load_state_dict(held["encoder"])
    batch = [loaders["train"].dataset[k] for k in range(4)]
    images, labels = (torch.stack([sample[key] for sample in batch]) for key in ("image", "labels"))
    with torch.no_grad():
        codes = averaged.encode(images, Semantics(labels, tiny.classes)).classes
    for k in range(tiny.classes):
        present = torch.tensor([(labels[n, ::2, ::2] == k).any() for n in range(4)])
        assert generator.codes.known[k] == present.sum() > 0
        assert_close(generator.codes.means[k], codes[present, k].mean(0), atol=1e-5, rtol=1e-4)
        assert_close(generator.codes.deviations[k], codes[present, k].std(0, correction=0), atol=1e-4, rtol=1e-3)
