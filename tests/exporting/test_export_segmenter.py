"""The segmenter of an unpaired run, handed on as a file, segments as it did in the run."""

import pytest
import torch
import yaml
from hydra.utils import instantiate
from omegaconf import OmegaConf

from semsynth import runs
from semsynth.errors import ConfigError
from semsynth.exporting.export import export
from semsynth.exporting.source import Source
from semsynth.segmenters.judge import load_judge, save_judge
from semsynth.segmenters.loop import pretrained
from semsynth.segmenters.preprocessing import Preprocessing
from semsynth.segmenters.resnet import DeepStemResNet
from semsynth.segmenters.unet import UNet
from semsynth.weights.run_file import save_weights

CLASSES = ["sky", "cloud", "sun", "grass", "car"]
ARGUMENTS = {"num_classes": 5, "widths": [4, 6]}
NETWORK = {"_target_": "semsynth.segmenters.unet.UNet", **ARGUMENTS}


def with_segmenter(run, node):
    """Give a run a segmenter by its node `system.segmenter`, with weights of its own; return the run."""
    path = run / "config.yaml"
    config = yaml.safe_load(path.read_text()) | {"system": {"segmenter": node}}
    path.write_text(yaml.safe_dump(config))
    saved = runs.Run(run, "last").saved
    torch.manual_seed(5)
    segmenter = instantiate(node, _convert_="all")
    state = {key: value + 0.05 if value.is_floating_point() else value for key, value in segmenter.state_dict().items()}
    save_weights(saved.path, {**saved.raw, "segmenter": state})
    return run


def source(run):
    kept = runs.Run(run)
    return Source(run, OmegaConf.to_container(kept.config), kept.saved, kept.weights, kept.generator, kept.encoder,
                  kept.segmenter)


def untrained():
    return {"_target_": "semsynth.segmenters.loop.untrained", "network": NETWORK, "classes": CLASSES, "ignore": 4}


def from_file(folder):
    """A node that begins with a file of `tools/train_segmenter.py`, with a preprocessing and a class map."""
    path = folder / "before.safetensors"
    save_judge(path, UNet(**ARGUMENTS), ARGUMENTS, name="before", classes=CLASSES, ignore=4,
               class_map=[0, 1, 2, 3, None], preprocessing=Preprocessing(mean=(0.4,) * 3, std=(0.2,) * 3))
    return {"_target_": "semsynth.segmenters.loop.pretrained", "classes": CLASSES, "path": str(path), "frozen": False}


@pytest.mark.parametrize("kind", ["untrained", "from_file"])
def test_the_file_segments_as_the_run(kind, tiny_run, tmp_path):
    run = with_segmenter(tiny_run(unknown=4), untrained() if kind == "untrained" else from_file(tmp_path))
    output = tmp_path / "new" / "loop.safetensors"
    lines = export(source(run), "segmenter", output)
    assert lines[0].startswith("UNet, 5 classes")
    assert [p.name for p in output.parent.iterdir()] == ["loop.safetensors"]
    images = torch.rand(2, 3, 32, 32) * 2 - 1
    wanted = runs.Run(run).segmenter(images)
    judge, loop = load_judge(output), pretrained(CLASSES, path=output)
    torch.testing.assert_close(judge.logits(images), wanted)
    torch.testing.assert_close(loop(images), wanted)
    assert (judge.name, judge.ignore, judge.about["dataset"], judge.about["size"]) == ("loop", 4, "tiny", [32, 32])
    assert judge.about["trained"]["weights"] == "raw"


def test_a_segmenter_whose_encoder_began_with_a_file_that_is_gone(tiny_run, tmp_path):
    beginning = tmp_path / "resnet18-imagenet.pth"
    torch.save(DeepStemResNet(18).state_dict(), beginning)
    network = {"_target_": "semsynth.segmenters.ppm.PPMNet", "num_classes": 5, "encoder_weights": str(beginning)}
    run = with_segmenter(tiny_run(unknown=4), {**untrained(), "network": network})
    beginning.unlink()
    export(source(run), "segmenter", tmp_path / "loop.safetensors")
    images = torch.rand(1, 3, 32, 32) * 2 - 1
    judge = load_judge(tmp_path / "loop.safetensors")
    torch.testing.assert_close(judge.logits(images), runs.Run(run).segmenter(images))


def test_what_cannot_be_exported_is_said(tiny_run, tmp_path):
    plain = tiny_run()
    with pytest.raises(ConfigError, match=r"has no segmenter in the loop: python train\.py experiments=unpaired"):
        export(source(plain), "segmenter", tmp_path / "s.safetensors")
    run = source(with_segmenter(plain, untrained()))
    with pytest.raises(ConfigError, match=r"output=.*s\.pth: .* ends in \.safetensors"):
        export(run, "segmenter", tmp_path / "s.pth")
    (tmp_path / "s.safetensors").write_text("mine")
    with pytest.raises(ConfigError, match="exists already"):
        export(run, "segmenter", tmp_path / "s.safetensors")
    with pytest.raises(ConfigError, match="size= is for format=onnx"):
        export(run, "segmenter", tmp_path / "t.safetensors", size=(32, 32))
    assert (tmp_path / "s.safetensors").read_text() == "mine"


def test_a_file_that_a_run_began_with_is_gone(tiny_run, tmp_path):
    node = from_file(tmp_path)
    run = with_segmenter(tiny_run(unknown=4), node)
    (tmp_path / "before.safetensors").unlink()
    with pytest.raises(ConfigError, match=r"before\.safetensors: there is no such segmenter file"):
        _ = runs.Run(run).segmenter
