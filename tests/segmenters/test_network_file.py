"""A segmenter in one file: whole or not at all, and networks of ours only."""

import json

import pytest
import torch
from echoing import CLASSES, Channels
from safetensors.torch import load_file, save_file

from semsynth.errors import SegmenterError
from semsynth.segmenters.judge import Judge, load_judge, save_judge
from semsynth.segmenters.network_file import METADATA, read_about
from semsynth.segmenters.unet import UNet


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
    with pytest.raises(SegmenterError, match=r"plain\.safetensors is no segmenter file, or a damaged .*: train one"):
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
    ("semsynth.segmenters.unet.torch", "there is no network"),
    ("semsynth.segmenters.network_file.save_judge", "there is no network"),
    ("semsynth.segmenters.loop.LoopSegmenter.__init__", "there is no network"),
    ("semsynth.segmenters.published.Renames", "is no network"),
    ("semsynth.segmenters.ppm.DeepStemResNet", "there is no network"),  # imported there, not written there
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
