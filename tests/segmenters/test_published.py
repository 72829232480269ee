"""Published weights load by path, and nothing else does."""

import hashlib

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from semsynth.errors import SegmenterError
from semsynth.segmenters.celebamask_unet import CelebAMaskUNet
from semsynth.segmenters.deeplab_v2 import DeepLabV2
from semsynth.segmenters.ppm import PPMNet
from semsynth.segmenters.preprocessing import Preprocessing
from semsynth.segmenters.published import PublishedJudge, published_judge


def judge(network, weights, labels="celebamask_hq", **options):
    options = {"preprocessing": Preprocessing()} | options
    return PublishedJudge(network, name="test", labels=labels, weights=weights, **options)


def filled(network):
    """The network with statistics that differ from the initial ones."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(std=0.1)
            module.running_var.uniform_(0.5, 2)
    return network.eval()


@pytest.fixture(scope="module")
def unet():
    torch.manual_seed(0)
    return filled(CelebAMaskUNet())


@pytest.fixture
def file(unet, tmp_path):
    path = tmp_path / "model.pth"
    torch.save(unet.state_dict(), path)
    return path


def test_a_file_gives_the_networks_answers(unet, file):
    found = judge(CelebAMaskUNet(), file)
    images = torch.rand(2, 3, 32, 32) * 2 - 1
    with torch.no_grad():
        assert_close(found.logits(images), unet(images))
        assert_close(found.features(images), unet.features(images).mean((2, 3)))
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    assert found.sha256 == digest
    description = found.description()
    assert description["files"] == {"model.pth": digest}
    assert description["weights"] == "model.pth"
    assert not found.training
    assert not any(p.requires_grad for p in found.parameters())


def test_prefixes_missing_counters_and_leftovers_are_tolerated(unet, tmp_path):
    state = {f"module.{k}": v for k, v in unet.state_dict().items() if not k.endswith("num_batches_tracked")}
    state |= {"module.conv1.conv1.1._running_iter": torch.ones(1),
              "module.conv1.conv1.1._tmp_running_mean": torch.zeros(16),
              "module.conv1.conv1.1._tmp_running_var": torch.ones(16)}
    torch.save(state, tmp_path / "old.pth")
    images = torch.rand(1, 3, 16, 16) * 2 - 1
    with torch.no_grad():
        assert_close(judge(CelebAMaskUNet(), tmp_path / "old.pth").logits(images), unet(images))


def test_no_weights_say_where_they_come_from(tmp_path):
    told = r"nowhere\.pth: there is no such file.*python tools/weights\.py.*segmenter\.weights"
    with pytest.raises(SegmenterError, match=told):
        judge(CelebAMaskUNet(), tmp_path / "nowhere.pth")


def test_weights_are_looked_for_in_the_folder_and_missed_in_a_line(unet, pair, tmp_path, monkeypatch):
    def look(network, name, **given):
        return published_judge(network, name=name, labels="celebamask_hq", preprocessing=Preprocessing(), **given)

    def never():
        raise AssertionError("without weights no network is built")

    place = tmp_path / "folder"
    monkeypatch.setenv("SEMSYNTH_WEIGHTS", str(place))
    found = look(never, "celebamask_unet")
    assert found.told("TOOL") == (f"the judge celebamask_unet needs its published weights: {place}/celebamask_unet/"
                                  "model.pth is missing: TOOL")
    assert "needs segmenter.weights=PATH" in look(never, "mine").reason
    (place / "celebamask_unet").mkdir(parents=True)
    torch.save(unet.state_dict(), place / "celebamask_unet/model.pth")
    images = torch.rand(1, 3, 16, 16) * 2 - 1
    with torch.no_grad():
        assert_close(look(CelebAMaskUNet, "celebamask_unet").logits(images), unet(images))
    (place / "celebamask_unet/model.pth").write_bytes(b"cut")
    assert "model.pth cannot be read" in look(CelebAMaskUNet, "celebamask_unet").reason
    network, halves = pair
    (place / "ade20k-resnet101-upernet").mkdir()
    (halves / "encoder_epoch_50.pth").rename(place / "ade20k-resnet101-upernet/encoder_epoch_50.pth")
    assert "decoder_epoch_50.pth is missing" in look(never, "upernet101").reason
    (halves / "decoder_epoch_50.pth").rename(place / "ade20k-resnet101-upernet/decoder_epoch_50.pth")
    assert_close(look(Halves, "upernet101").network.decoder.weight.data, network.decoder.weight.data)
    with pytest.raises(SegmenterError, match="there is no such file"):
        look(Halves, "upernet101", weights=tmp_path / "given.pth")


def test_a_truncated_file_is_named(file):
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(SegmenterError, match=r"model\.pth cannot be read: it is damaged, cut off"):
        judge(CelebAMaskUNet(), file)


def test_code_in_a_file_is_not_run(tmp_path):
    torch.save({"conv1.weight": torch.nn.ReLU()}, tmp_path / "model.pth")
    with pytest.raises(SegmenterError, match=r"model\.pth is refused: besides tensors it holds torch\.nn"):
        judge(CelebAMaskUNet(), tmp_path / "model.pth")


def test_weights_of_another_network_give_a_short_table(file):
    state = torch.load(file, weights_only=True)
    state["final.weight"] = torch.zeros(7, 16, 1, 1)
    state["extra.weight"] = torch.zeros(2)
    del state["center.conv1.0.bias"]
    torch.save(state, file)
    with pytest.raises(SegmenterError) as error:
        judge(CelebAMaskUNet(), file)
    message = str(error.value)
    assert str(file) in message
    assert "3 of 136 keys differ" in message
    assert [line.split() for line in message.splitlines()[2:5]] == [
        ["center.conv1.0.bias", "256", "missing"], ["final.weight", "19x16x1x1", "7x16x1x1"],
        ["extra.weight", "no", "such", "key", "2"]]
    with torch.device("meta"), pytest.raises(SegmenterError) as error:
        judge(DeepLabV2(3, blocks=(1, 1, 1, 1)), file)
    assert len(str(error.value).splitlines()) <= 12


def test_deeplab_v2_loads_under_its_published_names(tmp_path):
    torch.manual_seed(0)
    network = filled(DeepLabV2(19, blocks=(1, 1, 1, 1)))
    ours = network.state_dict()
    state = {}
    for key, value in ours.items():  # the way back, written out
        head, _, rest = key.partition(".")
        if head in ("conv1", "bn1"):
            published = f"layer1.conv1.{head.rstrip('1')}.{rest}"
        elif head == "aspp":
            published = f"aspp.c{rest}"
        else:
            block, part, name = rest.split(".", 2)
            named = {"conv1": "reduce.conv", "bn1": "reduce.bn", "conv2": "conv3x3.conv", "bn2": "conv3x3.bn",
                     "conv3": "increase.conv", "bn3": "increase.bn"}.get(part)
            if named is None:
                number, name = name.split(".")
                named = f"shortcut.{('conv', 'bn')[int(number)]}"
            published = f"layer{int(head[-1]) + 1}.block{int(block) + 1}.{named}.{name}"
        state[f"base.{published}"] = value
    torch.save(state, tmp_path / "deeplab.pth")
    images = torch.rand(1, 3, 40, 40) * 2 - 1
    scales = Preprocessing(scales=(1.0, 0.75, 0.5), merge="max", antialias=False)
    found = judge(DeepLabV2(19, blocks=(1, 1, 1, 1)), tmp_path / "deeplab.pth", preprocessing=scales)
    with torch.no_grad():
        answers = []
        for size in (40, 30, 20):
            x = nn.functional.interpolate(images, (size, size), mode="bilinear")
            answers.append(nn.functional.interpolate(network(x), (6, 6), mode="bilinear"))
        expected = nn.functional.interpolate(torch.stack(answers).amax(0), (40, 40), mode="bilinear")
        assert_close(found.logits(images), expected)


class Halves(nn.Module):
    """A network in two parts, like CSAIL's."""

    def __init__(self):
        super().__init__()
        self.encoder, self.decoder = nn.Conv2d(3, 4, 1), nn.Conv2d(4, 19, 1)

    def forward(self, x):
        return self.decoder(self.encoder(x))


@pytest.fixture
def pair(tmp_path):
    torch.manual_seed(0)
    network = Halves()
    for half in ("encoder", "decoder"):
        torch.save(getattr(network, half).state_dict(), tmp_path / f"{half}_epoch_50.pth")
    return network, tmp_path


@pytest.mark.parametrize("given", ["", "encoder_epoch_50.pth", "decoder_epoch_50.pth"])
def test_two_files_by_folder_or_by_either(pair, given):
    network, folder = pair
    found = judge(Halves(), folder / given)
    images = torch.rand(1, 3, 4, 4) * 2 - 1
    with torch.no_grad():
        assert_close(found.logits(images), network(images))
    digests = {f"{half}_epoch_50.pth": hashlib.sha256((folder / f"{half}_epoch_50.pth").read_bytes()).hexdigest()
               for half in ("encoder", "decoder")}
    assert found.description()["files"] == digests
    assert found.sha256 == "+".join(digests.values())


def test_both_halves_in_one_file(pair):
    network, folder = pair
    torch.save(network.state_dict(), folder / "both.pth")
    found = judge(Halves(), folder / "both.pth")
    assert_close(found.network.decoder.weight.data, network.decoder.weight.data)


def test_faults_of_a_pair_are_named(pair, file):
    _, folder = pair
    torch.save(nn.Conv2d(4, 21, 1).state_dict(), folder / "decoder_epoch_50.pth")
    with pytest.raises(SegmenterError, match=r"decoder_epoch_50\.pth does not fit Conv2d"):
        judge(Halves(), folder)
    (folder / "decoder_epoch_50.pth").unlink()
    with pytest.raises(SegmenterError, match=r"decoder_epoch_50\.pth: there is no such file.*which belongs to"):
        judge(Halves(), folder / "encoder_epoch_50.pth")
    with pytest.raises(SegmenterError, match=r"must hold one file decoder\*\.pth, found none"):
        judge(Halves(), folder)
    (folder / "encoder_epoch_40.pth").write_bytes(b"")
    with pytest.raises(SegmenterError, match=r"found encoder_epoch_40\.pth, encoder_epoch_50\.pth"):
        judge(Halves(), folder)
    with pytest.raises(SegmenterError, match=r"is a folder: CelebAMaskUNet has its weights in one file"):
        judge(CelebAMaskUNet(), folder)


def test_csails_two_files_load(tmp_path):
    torch.manual_seed(0)
    network = filled(PPMNet(19))
    for half in ("encoder", "decoder"):
        torch.save(getattr(network, half).half().state_dict(), tmp_path / f"{half}_epoch_20.pth")
        getattr(network, half).float()
    found = judge(PPMNet(19), tmp_path)
    images = torch.rand(1, 3, 32, 32) * 2 - 1
    with torch.no_grad():
        expected = nn.functional.interpolate(network(images), (32, 32), mode="bilinear")
        assert_close(found.logits(images), expected)


def test_an_unknown_class_map_is_named():
    with pytest.raises(ValueError, match=r"labels must be one of ade20k.*got 'ade'"):
        judge(CelebAMaskUNet(), "model.pth", labels="ade")
