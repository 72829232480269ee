import json

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import nn

from semsynth.errors import SegmenterError
from semsynth.segmenters.judge import Judge, load_judge, save_judge, shipped
from semsynth.segmenters.network_file import METADATA, read_about
from semsynth.segmenters.preprocessing import Preprocessing
from semsynth.segmenters.unet import UNet

CLASSES = ["sky", "road", "car"]


class Channels(nn.Module):
    """Answers with its input, and remembers it."""

    def __init__(self, stride=1):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))
        self.stride, self.seen = stride, []

    def forward(self, x):
        self.seen.append(x)
        return self.weight * x[..., :: self.stride, :: self.stride]

    def features(self, x):
        return x


def judge(stride=1, **keys):
    network = Channels(stride)
    return Judge(network, name="test", classes=keys.pop("classes", CLASSES), **keys), network


@pytest.fixture
def saved(tmp_path):
    torch.manual_seed(1)
    network = UNet(3, (4, 6)).eval()
    path = tmp_path / "x.safetensors"
    save_judge(path, network, {"num_classes": 3, "widths": [4, 6]}, name="x", classes=CLASSES, ignore=2,
               class_map=[0, 1, None], dataset="test", scores={"miou": 0.5})
    return path, network


# ---- preprocessing


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


# ---- answers


def test_logits_of_a_coarse_network_are_resized_to_the_size():
    ours, _ = judge(stride=4)
    images = torch.rand(1, 3, 16, 16)
    expected = nn.functional.interpolate(images[..., ::4, ::4], (16, 16), mode="bilinear", align_corners=False)
    torch.testing.assert_close(ours.logits(images), expected)
    assert ours.logits(images, (8, 24)).shape == (1, 3, 8, 24)


def test_probabilities_of_scales_are_averaged():
    ours, network = judge(preprocessing=Preprocessing(scales=[1.0, 0.5]))
    images = torch.rand(1, 3, 8, 8)
    answer = ours.logits(images)
    whole, half = network.seen
    half = nn.functional.interpolate(half, (8, 8), mode="bilinear", align_corners=False)
    torch.testing.assert_close(answer.exp(), (whole.softmax(1) + half.softmax(1)) / 2)


def test_the_maximum_is_taken_at_the_first_scale():
    ours, network = judge(stride=2, preprocessing=Preprocessing(scales=[1.0, 0.5], merge="max"))
    answer = ours.logits(torch.rand(1, 3, 16, 16))
    whole, half = (x[..., ::2, ::2] for x in network.seen)
    half = nn.functional.interpolate(half, (8, 8), mode="bilinear", align_corners=False)
    expected = nn.functional.interpolate(torch.maximum(whole, half), (16, 16), mode="bilinear", align_corners=False)
    torch.testing.assert_close(answer, expected)


def test_channels_are_mapped_to_classes():
    ours, _ = judge(classes=["a", "b", "c", "void"], class_map=[2, 0, 2], ignore=3)
    images = torch.rand(1, 3, 4, 4)
    answer = ours.logits(images)
    assert torch.isneginf(answer[:, [1, 3]]).all()
    torch.testing.assert_close(answer[:, 0], images[:, 1])
    torch.testing.assert_close(answer[:, 2].exp(), images[:, 0].exp() + images[:, 2].exp())
    assert ours.judged == [0, 2]


def test_it_stays_frozen_and_lets_gradients_through_to_images():
    ours, _ = judge()
    nn.ModuleList([ours]).train()
    assert not ours.training
    assert not any(p.requires_grad for p in ours.parameters())
    images = torch.rand(1, 3, 4, 4, requires_grad=True)
    ours.logits(images).sum().backward()
    assert images.grad.abs().sum() > 0


def test_autocast_changes_nothing(saved):
    ours = load_judge(saved[0])
    images = torch.rand(2, 3, 16, 16)
    with torch.autocast("cpu", torch.bfloat16):
        answer, features = ours.logits(images), ours.features(images)
    assert torch.equal(answer, ours.logits(images))
    assert torch.equal(features, ours.features(images))
    assert features.shape == (2, 6)
    assert features.dtype == torch.float32


@pytest.mark.parametrize(("images", "message"), [
    (torch.zeros(3, 8, 8), r"\(N,3,H,W\), got \(3, 8, 8\)"),
    (torch.zeros(1, 1, 8, 8), r"\(N,3,H,W\)"),
    (torch.stack([torch.zeros(3, 8, 8), torch.full((3, 8, 8), torch.nan)]), r"images \[1\] of the batch have NaN"),
    (torch.zeros(1, 3, 1, 8), r"8x1 \(width x height\) are too small for UNet, which needs sides of 2"),
])
def test_images_that_cannot_be_judged(saved, images, message):
    ours = load_judge(saved[0])
    for ask in (ours.logits, ours.features):
        with pytest.raises(SegmenterError, match=message):
            ask(images)


def test_classes_that_differ(saved):
    ours = load_judge(saved[0])
    ours.check_classes(CLASSES)
    with pytest.raises(SegmenterError, match=r"x\.safetensors has other(.|\n)*1: 'road', the data set has 'sea'"):
        ours.check_classes(["sky", "sea", "car"])
    with pytest.raises(SegmenterError, match="3 classes, the data set has 2"):
        ours.check_classes(CLASSES[:2])
    with pytest.raises(SegmenterError, match="answers with 3 channels for 2 classes"):
        judge(classes=["a", "b"])[0].logits(torch.zeros(1, 3, 4, 4))
    with pytest.raises(ValueError, match="class_map: 5 is no class"):
        judge(class_map=[0, 1, 5])
    with pytest.raises(ValueError, match="ignore=3"):
        judge(ignore=3)


# ---- files


def test_a_file_gives_the_network_back(saved):
    path, network = saved
    ours = load_judge(path)
    images = torch.rand(2, 3, 16, 16) * 2 - 1
    answer = ours.logits(images)
    torch.testing.assert_close(answer[:, :2], network(images)[:, :2], rtol=0.01, atol=0.01)  # kernels are float16
    assert ours.classes == CLASSES
    assert ours.about["scores"] == {"miou": 0.5}
    described = ours.description()
    assert described["weights"] == "x.safetensors"
    assert len(described["sha256"]) == 64
    assert described["class_map"] == [0, 1, None]
    json.dumps(described)


def test_kernels_alone_lose_precision(saved):
    types = {key: value.dtype for key, value in load_file(saved[0]).items()}
    assert types["head.weight"] == torch.float16
    assert types["down.0.1.running_var"] == types["head.bias"] == torch.float32


def test_nothing_half_written(saved):
    assert [p.name for p in saved[0].parent.iterdir()] == ["x.safetensors"]
    with pytest.raises(SegmenterError, match="ends in .safetensors"):
        save_judge(saved[0].with_suffix(".pth"), saved[1], {}, name="x", classes=CLASSES)
    with pytest.raises(SegmenterError, match="only networks of semsynth.segmenters"):
        save_judge(saved[0], Channels(), {}, name="x", classes=CLASSES)


def changed(path, **changes):
    """A copy of a segmenter's file with other metadata."""
    other = path.with_name("changed.safetensors")
    save_file(load_file(path), other, {METADATA: json.dumps({**read_about(path), **changes})})
    return other


def test_wrong_files_are_named(saved, tmp_path):
    path, network = saved
    with pytest.raises(SegmenterError, match=r"nowhere\.safetensors: there is no such"):
        load_judge(tmp_path / "nowhere.safetensors")
    plain = tmp_path / "plain.safetensors"
    save_file({"x": torch.zeros(1)}, plain)
    with pytest.raises(SegmenterError, match=r"plain\.safetensors is no segmenter file, or a damaged one: train one"):
        load_judge(plain)
    torch.save(network.state_dict(), tmp_path / "net.pth")
    with pytest.raises(SegmenterError, match=r"net\.pth is no segmenter file"):
        load_judge(tmp_path / "net.pth")
    with pytest.raises(SegmenterError, match="another version"):
        load_judge(changed(path, format=99))
    with pytest.raises(SegmenterError, match="does not describe a segmenter"):
        load_judge(changed(path, preprocessing={"median": 3}))


@pytest.mark.parametrize(("dotted", "message"), [
    ("os.system", "which is not below semsynth.segmenters"),
    ("semsynth.segmenters.unet.VNet", "there is no network"),
    ("semsynth.segmenters.unet.torch", "is no network"),
    ("semsynth.segmenters.network_file.save_judge", "is no network"),
    ("semsynth.segmenters.ppm.DeepStemResNet", "is no network"),  # imported there, not written there
])
def test_a_file_imports_networks_only(saved, dotted, message):
    with pytest.raises(SegmenterError, match=message):
        load_judge(changed(saved[0], network=dotted))


def test_keys_that_do_not_fit_make_a_table(saved, tmp_path):
    with pytest.raises(SegmenterError) as caught:
        load_judge(changed(saved[0], arguments={"num_classes": 5, "widths": [4, 6, 8]}))
    words = str(caught.value)
    assert "changed.safetensors does not fit UNet" in words
    assert "key" in words.splitlines()[1]
    assert "more" in words
    assert len(words.splitlines()) < 14
    rows = [line.split() for line in words.splitlines() if line.strip().startswith("down.2.0.weight")]
    assert rows == [["down.2.0.weight", "8x6x3x3", "missing"]]
    torch.save({"state_dict": {f"module.{k}": v for k, v in UNet(3, (4, 6)).state_dict().items()}}, tmp_path / "a.pth")
    Judge(UNet(3, (4, 6)), name="x", classes=CLASSES, weights=tmp_path / "a.pth")
    torch.save({"net": 3}, tmp_path / "b.pth")
    with pytest.raises(SegmenterError, match=r"b\.pth holds int under 'net': expected a state dict"):
        Judge(UNet(3, (4, 6)), name="x", classes=CLASSES, weights=tmp_path / "b.pth")
    (tmp_path / "c.pth").write_bytes(b"no weights")
    with pytest.raises(SegmenterError, match=r"c\.pth cannot be read"):
        Judge(UNet(3, (4, 6)), name="x", classes=CLASSES, weights=tmp_path / "c.pth")


def test_weights_that_are_not_finite_are_refused(saved, tmp_path):
    path, network = saved
    with torch.no_grad():
        next(network.parameters()).flatten()[0] = 7e4  # more than float16 holds
    save_judge(path, network, {"num_classes": 3, "widths": [4, 6]}, name="x", classes=CLASSES)
    with pytest.raises(SegmenterError, match=r"x\.safetensors: 1 of \d+ tensors hold NaN or infinite numbers"):
        load_judge(path)


def test_the_shipped_one_is_small_and_good():
    path = shipped("scenes")
    assert path.stat().st_size < 2 * 2**20
    about = read_about(path)
    assert about["scores"]["miou"] >= 0.90
    assert min(about["scores"]["iou"].values()) >= 0.75
    assert about["command"].startswith("python tools/train_segmenter.py")
    assert load_judge(path).name == "scenes_segmenter"
    with pytest.raises(SegmenterError, match=r"no segmenter moon comes with the package \(there are: camvid, scenes\)"):
        shipped("moon")


def test_the_shipped_one_segments_held_out_scenes():
    from semsynth.data.scenes.dataset import Scenes
    from semsynth.evaluation.segmenter_report import score_real

    scenes = Scenes(24, 64, "val")
    ours = load_judge(shipped())
    batch = {key: torch.stack([scenes[i][key] for i in range(24)]) for key in ("image", "labels")}
    scores = score_real(ours, [batch])
    assert scores.miou > 0.85
    assert scores.accuracy > 0.93
