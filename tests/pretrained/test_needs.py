"""What a configuration needs, and what is said of the files that are there."""

import hashlib

import pytest
import torch
from commands import composed
from omegaconf import OmegaConf

from semsynth.commands.weights import main
from semsynth.pretrained.files import JUDGES
from semsynth.pretrained.listing import state_of
from semsynth.pretrained.needs import Need, all_needs, needs_of

VGG, INCEPTION, ALEX = ("vgg19-dcbb9e9d.pth", "weights-inception-2015-12-05-6726825d.pth", "alexnet-owt-7be5be79.pth")
LITE, DINOV2 = "efficientnet-lite0-57934424.pth", "dinov2_vitl14_pretrain.pth"


def names(*overrides):
    return [need.name for need in needs_of(OmegaConf.to_container(composed("weights", *overrides)))]


def test_what_data_sets_need():
    upernet = [f"ade20k-resnet101-upernet/{half}_epoch_50.pth" for half in ("encoder", "decoder")]
    assert names("dataset=ade20k") == [VGG, INCEPTION, LITE, *upernet, ALEX, DINOV2]
    assert names("dataset=cityscapes") == [VGG, INCEPTION, LITE, "drn-d-105_ms_cityscapes.pth", ALEX, DINOV2]
    assert names("dataset=coco_stuff")[3] == "deeplabv2_resnet101_msc-cocostuff164k-100000.pth"
    assert names("dataset=camvid") == [LITE, INCEPTION, ALEX, DINOV2]  # for its loss as well; its judge comes along
    assert names("dataset=scenes") == [INCEPTION, ALEX]
    assert set(names("dataset=cityscapes")) < {need.name for need in all_needs()}


def test_other_choices_and_given_paths_count():
    assert VGG not in names("dataset=cityscapes", "loss=spade_no_vgg")
    assert "vgg16-397923af.pth" in names("dataset=cityscapes", "protocol.lpips_network=vgg")
    assert "drn.pth" in names("dataset=cityscapes", "segmenter.weights=drn.pth")
    assert "mine.pth" in names("dataset=cityscapes", "loss.generator.perceptual.weights=mine.pth")


def test_files_that_are_cut_off_or_others_are_named(tmp_path):
    def told(digest=""):
        return state_of(Need("net.pth", "a judge", "no miou", "somewhere", digest, path=path))

    path = tmp_path / "net.pth"
    torch.save({"a": torch.zeros(99)}, path)
    assert state_of(Need("net.pth", "a judge", "no miou", "somewhere")) == ("missing", "", False)
    whole = hashlib.sha256(path.read_bytes()).hexdigest()
    assert told() == ("there (0.0 MB), can be read; no SHA-256 is published", whole, True)
    assert told(whole[:8]) == ("there (0.0 MB), as published", whole, True)
    assert told("0" * 8) == ("DAMAGED, or another file (0.0 MB): SHA-256 should begin 00000000", whole, False)
    path.write_bytes(path.read_bytes()[:700])
    text, _, fine = told()
    assert not fine
    assert "cut off" in text


def test_the_tool_lists_all(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SEMSYNTH_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "400")
    folder = tmp_path / "drn-d-105_ms_cityscapes.pth"
    folder.write_bytes(b"<html>")
    with pytest.raises(SystemExit, match="1"):  # a script stops before it trains
        main(["dataset=cityscapes"])
    out, err = capsys.readouterr()
    assert "other files than their names say: drn-d-105_ms_cityscapes.pth\n" in err
    assert f"folder of weights: {tmp_path}" in out
    assert "is a web page" in out
    assert "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth" in out
    assert "without it: training is refused" in out
    assert "6 files, 4 missing" in out
    folder.unlink()
    main([])
    out = capsys.readouterr().out
    assert all(file.name in out for files in JUDGES.values() for file in files)


@pytest.mark.parametrize(("name", "protocol", "judge"), [
    ("ade20k_outdoor", "clade", "upernet101"), ("cityscapes", "clade", "drn_d_105"),
    ("coco_stuff", "clade", "deeplab_v2"), ("celebamask_hq", "clade", "celebamask_unet"),
    ("deepfashion", "clade", None), ("camvid", "photographs", "camvid"), ("folder", "photographs", None)])
def test_a_data_sets_yaml_names_judge_and_protocol_for_training_and_evaluation(name, protocol, judge):
    training, evaluation = composed("train", f"dataset={name}"), composed("evaluate", f"dataset={name}")
    assert training.scores.assess.protocol.name == evaluation.protocol.name == protocol
    for node in (training.scores.assess.judge, evaluation.get("segmenter")):
        assert (node and node.name) == judge


def test_what_is_typed_wins():
    chosen = composed("train", "dataset=camvid", "protocol=spade", "segmenter=none")
    assert (chosen.scores.assess.protocol.name, chosen.scores.assess.judge.reason) == ("spade", "segmenter=none")
