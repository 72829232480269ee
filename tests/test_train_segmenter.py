"""tools/train_segmenter.py and tools/train_style_regressor.py, from the command line to the file."""

import importlib
import json
import sys

import pytest
import torch
from commands import ROOT, composed, load
from PIL import Image

from semsynth import config
from semsynth.errors import ConfigError
from semsynth.metrics.style_regressor import load_style_regressor
from semsynth.segmenters.judge import load_judge
from semsynth.segmenters.network_file import read_about

TINY = ["epochs=1", "batch=2", "dataset.train_length=4", "dataset.val_length=2", "data.num_workers=0",
        "trainer.accelerator=cpu", "callbacks.progress=null"]


def tool(name):
    return importlib.import_module(f"semsynth.commands.{name}")


def trained(name, *overrides):
    module = tool(name)
    module.run(module.checked(composed(name, *TINY, *overrides)))


def data_root(tmp_path):
    """CamVid's layout, generated: its unknown class is the last one."""
    fixtures = load("tests/data/fixtures.py")
    fixtures.make("camvid", tmp_path / "camvid")
    return tmp_path


def test_a_segmenter_of_scenes(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["train_segmenter.py", "output=x.safetensors", "seed=3"])
    path = tmp_path / "new" / "x.safetensors"
    words = [f"output={path}", "size=32", "network.widths=[4,6,8]", "seed=3", "system.ema=0.9", "system.balance=0.5"]
    trained("train_segmenter", *words)
    first = load_judge(path)
    assert first.name == "scenes_segmenter"
    assert first.logits(torch.zeros(1, 3, 32, 32)).shape == (1, 12, 32, 32)
    about = read_about(path)
    assert about["command"] == "python tools/train_segmenter.py output=x.safetensors seed=3"
    assert about["size"] == [32, 32]
    assert set(about["scores"]) == {"miou", "accuracy", "iou", "frequency", "images"}
    json.dumps(about, allow_nan=False)
    assert sorted(p.name for p in path.parent.iterdir()) == ["x.png", "x.safetensors"]
    assert Image.open(path.with_suffix(".png")).width > 3 * 32
    assert "validation" in capsys.readouterr().out
    trained("train_segmenter", *words)
    for key, value in load_judge(path).state_dict().items():
        assert torch.equal(value, first.state_dict()[key]), f"{key}: the seed does not repeat the training"


def test_a_segmenter_without_the_unknown_class(tmp_path, monkeypatch):
    monkeypatch.setenv("SEMSYNTH_DATA", str(data_root(tmp_path)))
    path = tmp_path / "x.safetensors"
    module = tool("train_segmenter")
    overrides = [o for o in TINY if "length" not in o]
    cfg = composed("train_segmenter", *overrides, "dataset=camvid", f"output={path}", "size=[32,64]",
                   "read_size=[40,80]", "geometric.zoom=1.5", "network.widths=[4,6]", "dtype=float32",
                   "trainer.limit_train_batches=1")
    module.run(module.checked(cfg))
    judge = load_judge(path)
    assert judge.ignore == 11
    assert judge.judged == list(range(11))
    assert judge.logits(torch.zeros(1, 3, 32, 64)).argmax(1).max() < 11
    assert judge.about["scores"]["iou"]["unlabelled"] is None


def test_a_style_regressor(tmp_path):
    path = tmp_path / "x.safetensors"
    trained("train_style_regressor", f"output={path}", "regressor.widths=[4,4,4,4]", "regressor.hidden=4")
    regressor = load_style_regressor(path)
    assert regressor.predict(torch.zeros(2, 3, 32, 48)).shape == (2, 3)
    assert set(regressor.about["scores"]["r2"]) == {"time", "haze", "hue"}


@pytest.mark.parametrize(("name", "overrides", "message"), [
    ("train_segmenter", [], "output= is missing"),
    ("train_segmenter", ["output=x.pth"], r"output=x\.pth must be a file whose name ends in \.safetensors"),
    ("train_segmenter", ["output=x.safetensors", "dtype=int8"], "dtype=int8 must be float16 or float32"),
    ("train_segmenter", ["output=x.safetensors", "epochs=0"], "epochs=0 must be a whole number from 1"),
    ("train_segmenter", ["output=x.safetensors", "size=[1]"], r"size=\[1\] must be"),
    ("train_segmenter", ["output=x.safetensors", "network.widths=[4]"], "widths must be two or more"),
    ("train_segmenter", ["output=x.safetensors", "+network.width=4"], "did you mean widths"),
    ("train_segmenter", ["output=x.safetensors", "geometric.zoom=0.5"], "zoom must be >= 1, got 0.5"),
    ("train_segmenter", ["output=x.safetensors", "system.balance=2"], "balance must be in"),
    ("train_segmenter", ["output=x.safetensors", "optimizer.lr=fast"], r"optimizer\.lr='fast'"),
    ("train_style_regressor", ["output=x.safetensors", "dataset=camvid"], "dataset=camvid has no style variables"),
])
def test_faults_are_named_before_training(name, overrides, message):
    with pytest.raises(ConfigError, match=message):
        tool(name).checked(composed(name, *overrides))


@pytest.mark.parametrize("name", sorted(p.stem for p in (ROOT / "conf" / "network").glob("*.yaml")))
def test_every_network_can_be_trained(name):
    cfg = composed("train_segmenter", "output=x.safetensors", f"network={name}", "size=64")
    assert tool("train_segmenter").checked(cfg).network.num_classes == 12


def test_the_size_may_be_the_shorter_side():
    cfg = config.prepare_part(composed("train_segmenter", "output=x.safetensors", "dataset=camvid", "size=96"), ())
    assert list(cfg.size) == list(cfg.read_size) == list(cfg.geometric.size) == [96, 128]
