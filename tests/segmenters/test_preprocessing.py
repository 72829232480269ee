"""From images in [-1,1] to what a network was trained on."""

import numpy as np
import pytest
import torch
from echoing import judge
from PIL import Image

from semsynth.segmenters.preprocessing import Preprocessing


def test_range_order_mean_and_std():
    mean, std = [104.0, 116.0, 122.0], [2.0, 3.0, 4.0]
    ours, network = judge(preprocessing=Preprocessing(mean=mean, std=std, range="byte", bgr=True))
    images = torch.rand(2, 3, 5, 7) * 2 - 1
    ours.logits(images)
    byte = ((images.numpy() + 1) / 2 * 255)[:, ::-1]
    expected = (byte - np.array(mean)[:, None, None]) / np.array(std)[:, None, None]
    np.testing.assert_allclose(network.seen[0].numpy(), expected, rtol=1e-4, atol=1e-4)


def test_the_defaults_leave_images_as_they_are():
    images = torch.rand(2, 3, 5, 7) * 2 - 1
    torch.testing.assert_close(judge()[0].logits(images), images)


def test_the_resize_is_pils():
    image = np.random.default_rng(0).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    expected = np.asarray(Image.fromarray(image).resize((16, 12), Image.Resampling.BILINEAR)).astype(float)
    pre = Preprocessing(mean=[0, 0, 0], std=[1, 1, 1], range="byte", input_size=[12, 16])
    ours = pre(torch.from_numpy(image).permute(2, 0, 1)[None].float() / 127.5 - 1)[0].permute(1, 2, 0).numpy()
    assert np.abs(ours - expected).max() < 1.01


@pytest.mark.parametrize(("keys", "size", "scale", "expected"), [
    ({}, (30, 50), 1.0, (30, 50)),
    ({"multiple": 32}, (30, 50), 1.0, (32, 64)),
    ({"input_size": 60}, (30, 50), 1.0, (60, 100)),
    ({"input_size": 60}, (50, 30), 2.0, (200, 120)),
    ({"input_size": [40, 40]}, (30, 50), 0.5, (20, 20)),
    ({"input_size": 300, "multiple": 32}, (256, 256), 1.25, (384, 384)),
    ({"scales": [0.5]}, (30, 50), 0.5, (15, 25)),
])
def test_sizes(keys, size, scale, expected):
    assert Preprocessing(**keys).size_at(*size, scale) == expected


@pytest.mark.parametrize(("keys", "message"), [
    ({"mean": [1, 2]}, "mean needs three numbers"),
    ({"std": [1, 0, 1]}, "std must be positive"),
    ({"range": "float"}, "range must be one of unit, byte, got 'float'"),
    ({"filter": "lanczos"}, "filter must be one of"),
    ({"input_size": [1, 2, 3]}, "input_size"),
    ({"scales": []}, "scales"),
    ({"merge": "min"}, "merge must be one of max, mean_softmax"),
])
def test_faults_of_the_preprocessing(keys, message):
    with pytest.raises(ValueError, match=message):
        Preprocessing(**keys)
