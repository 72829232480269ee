"""The yamls of published segmenters: classes, networks and preprocessing as published."""

from pathlib import Path

import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from torch.testing import assert_close

from semsynth.pretrained.files import JUDGES
from semsynth.segmenters.class_maps import CLASS_MAPS

CONF = Path(__file__).parents[2] / "conf"
NAMES = ("upernet101", "upernet50", "upernet18", "deeplab_v2", "drn_d_105", "deeplab_v3", "celebamask_unet")
# over which classes the authors' own evaluations average
MEANS = {"upernet101": "all", "upernet50": "all", "upernet18": "all", "deeplab_v2": "present"}


def composed(name):
    with initialize_config_dir(str(CONF / "segmenter"), version_base="1.3"):
        return compose(name)


@pytest.mark.parametrize("name", NAMES)
def test_yamls_agree_with_their_class_maps(name):
    cfg = composed(name)
    assert cfg.name == name
    assert cfg.class_mean == MEANS.get(name, "nan_mean")
    labels = CLASS_MAPS[cfg.labels]
    assert cfg.network.num_classes == len(labels.channels)
    with torch.device("meta"):
        network = instantiate(cfg.network, _convert_="all")()
        assert network(torch.zeros(2, 3, 64, 64)).shape[1] == len(labels.channels)
    missing = instantiate(cfg, _convert_="all")
    assert missing.listed
    assert JUDGES[name][0].name in missing.reason


def sizes(name, height, width):
    preprocessing = instantiate(composed(name).preprocessing, _convert_="all")
    return [preprocessing.size_at(height, width, scale) for scale in preprocessing.scales]


def test_published_preprocessing():
    assert sizes("upernet101", 256, 256) == [(320, 320), (384, 384), (480, 480), (544, 544), (608, 608)]
    assert sizes("upernet18", 256, 256) == [(304, 304), (376, 376), (456, 456), (528, 528), (600, 600)]
    assert sizes("upernet101", 512, 1024) == [(320, 608), (384, 768), (480, 928), (512, 1024), (512, 1024)]
    assert sizes("upernet101", 300, 300)[0] == (320, 320)
    assert sizes("deeplab_v2", 513, 385) == [(513, 385), (384, 288), (256, 192)]
    assert sizes("deeplab_v2", 256, 256) == [(256, 256), (192, 192), (128, 128)]
    assert sizes("drn_d_105", 256, 512) == [(256, 512)]
    assert sizes("deeplab_v3", 256, 512) == [(520, 1040)]
    assert sizes("celebamask_unet", 256, 256) == [(512, 512)]
    red = torch.tensor([1.0, -1.0, 0.0]).view(1, 3, 1, 1)
    for name, expected in {
        "upernet101": [(1 - 0.485) / 0.229, -0.456 / 0.224, (0.5 - 0.406) / 0.225],
        "drn_d_105": [(1 - 0.2901) / 0.18295, -0.32808 / 0.18657, (0.5 - 0.28696) / 0.18448],
        "deeplab_v2": [127.5 - 104.008, -116.669, 255 - 122.675],
        "celebamask_unet": [1.0, -1.0, 0.0],
    }.items():
        preprocessing = instantiate(composed(name).preprocessing, input_size=None, multiple=1, _convert_="all")
        assert_close(preprocessing(red).flatten(), torch.tensor(expected), rtol=1e-3, atol=1e-3)
