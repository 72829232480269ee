"""The features of instances are clustered before each validation, for the averages and for what is trained."""

from functools import partial

import torch
from enlarged import Big
from torch.testing import assert_close

from semsynth.discriminators.pix2pixhd import Pix2PixHDDiscriminator
from semsynth.encoders.instance_features import InstanceFeatureEncoder
from semsynth.generators.pix2pixhd import Pix2PixHDGenerator
from semsynth.losses.adversarial import DiscriminatorAdversarial, GeneratorAdversarial, LeastSquares
from semsynth.training.clusters import ClusterFeatures
from semsynth.training.ema import EMA
from semsynth.training.paired import PairedSystem


def test_centres_are_found_for_trained_and_averaged_weights(tiny, tmp_path):
    torch.manual_seed(0)
    generator = Pix2PixHDGenerator(tiny.classes, size=(32, 32), ngf=1, blocks=1, features=2, clusters=3)
    discriminator = Pix2PixHDDiscriminator(tiny.classes, ndf=1, num_scales=1)
    losses = {"generator": {"adversarial": GeneratorAdversarial(LeastSquares(), summed=True)},
              "discriminator": {"adversarial": DiscriminatorAdversarial(LeastSquares(), summed=True, weight=0.5)}}
    optimizers = dict.fromkeys(losses, partial(torch.optim.Adam, lr=1e-2))
    system = PairedSystem(generator, discriminator, InstanceFeatureEncoder(2, nef=1), losses, optimizers,
                          num_classes=tiny.classes, epochs=1, regenerate_fake=False)
    data = tiny.data(length=4)
    loaders = {name: getattr(data, f"{name}_dataloader")() for name in ("train", "val")}
    loaders = {name: type(loader)(Big(loader.dataset), 2, sampler=loader.sampler) for name, loader in loaders.items()}
    ema = EMA(0.5)
    tiny.trainer(tmp_path, [ema, ClusterFeatures(least=0)], max_epochs=1).fit(system, *loaders.values())
    assert generator.clusters.known.tolist() == [3, 3, 3]
    held = ema.state_dict()["generator"]
    assert_close(held["clusters.centres"], generator.clusters.centres)
    averaged = InstanceFeatureEncoder(2, nef=1)
    averaged.load_state_dict(ema.state_dict()["encoder"])
    batch = [loaders["train"].dataset[k] for k in range(4)]
    images, labels = (torch.stack([sample[key] for sample in batch]) for key in ("image", "labels"))
    from semsynth.semantics import Semantics

    with torch.no_grad():
        codes = averaged.encode(images, Semantics(labels, tiny.classes)).instances
    low, high = codes.amin(0), codes.amax(0)
    centres = generator.clusters.centres
    assert ((centres >= low[:, None] - 1e-5) & (centres <= high[:, None] + 1e-5)).all()
    assert centres.std() > 0
