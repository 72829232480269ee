"""INADE's published settings have the published networks; faces are mirrored as the released codes do."""

import pytest
import torch
from commands import ROOT, training
from hydra.utils import instantiate

from semsynth import config
from semsynth.complexity.weights import random_vgg

# parameters of generator, encoder and discriminator, which reads an edge map on every data set
COUNTS = {"ade20k": (90_893_827, 3_689_856, 5_838_978), "celebamask_hq": (85_115_395, 3_689_856, 5_568_642),
          "cityscapes": (77_394_435, 3_689_856, 5_601_410), "deepfashion": (84_020_995, 3_560_608, 5_546_114)}


@pytest.mark.parametrize("data", COUNTS)
def test_counts(data, tmp_path):
    vgg = random_vgg(tmp_path / "vgg.pth")
    cfg = config.prepare(training(f"experiments=inade_{data}", f"loss.generator.perceptual.weights={vgg}",
                                  f"run_dir={tmp_path}"))
    with torch.device("meta"):
        networks = [instantiate(cfg[part], _convert_="all") for part in ("generator", "encoder", "discriminator")]
    assert tuple(sum(p.numel() for p in network.parameters()) for network in networks) == COUNTS[data]
    assert (cfg.epochs, cfg.decay_epochs) == (200, 100)


@pytest.mark.parametrize("name", sorted(path.stem for path in (ROOT / "experiments").glob("*_celebamask_hq.yaml")))
def test_published_faces_keep_the_names_of_sides(name):
    cfg = training(f"experiments={name}", "run_dir=x")
    assert cfg.dataset.train.flip_swaps == []
