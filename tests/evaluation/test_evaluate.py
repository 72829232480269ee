"""evaluate.py from beginning to end, on a run directory made by hand."""

import subprocess
import sys

import pytest
import torch
from commands import ROOT, composed
from evaluated import FEW, by_judge, make_run, read
from omegaconf import OmegaConf

from semsynth import runs
from semsynth.errors import ConfigError, EvaluationError


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("runs") / "run")


def test_a_run_is_scored(evaluate, run, judge, capsys):
    evaluate(f"run={run}", *by_judge(judge), *FEW)
    found = read(run / "scores.json")
    assert {"frechet/tiny", "frechet/tiny/train", "miou", "accuracy", "diversity/tiny"} <= set(found["scores"])
    assert found["scores"].keys().isdisjoint(found["skipped"])
    protocol = found["protocol"]
    assert (protocol["weights"], protocol["style"]) == ("ema", "image")
    assert (protocol["checkpoint"]["file"], protocol["checkpoint"]["epoch"]) == ("last.ckpt", 3)
    assert protocol["segmenter"]["sha256"] == protocol["features"]["tiny"]["sha256"]
    assert (protocol["generated"], protocol["size"]) == (6, [16, 16])
    assert (protocol["class_mean"], protocol["void_is_wrong"]) == ("nan_mean", False)
    assert protocol["real"]["train"]["count"] == protocol["real"]["val"]["count"] == 6
    assert found["code"]["version"]
    assert list(found["per_class"]["iou"]) == list(composed("train").dataset.classes)
    assert (run / "plots" / "iou_by_frequency.png").read_bytes().startswith(b"\x89PNG")
    assert {p.name for p in run.iterdir()} == {"config.yaml", "checkpoints", "scores.json", "plots"}
    out = capsys.readouterr().out
    assert "frechet/tiny" in out
    assert "style image, last.ckpt of epoch 3)" in out


def test_the_same_run_scores_the_same_and_choices_move_it(evaluate, run, judge, tmp_path):
    def scores(*overrides):
        evaluate(f"run={run}", *by_judge(judge), *FEW, f"output={tmp_path}/s.json", "wanted=[miou,frechet]", *overrides)
        return read(tmp_path / "s.json")["scores"]

    first = scores()
    assert scores("batch=1") == pytest.approx(first, rel=1e-3)
    assert len(list((tmp_path / "cache" / "statistics").iterdir())) == 2
    for change in ("weights=raw", "protocol.style=normal", "protocol.style=posterior"):
        assert scores(change)["frechet/tiny"] != pytest.approx(first["frechet/tiny"], rel=1e-6)
    assert scores("protocol.style=normal", "protocol.seed=1") != scores("protocol.style=normal")


def test_an_unpaired_run_brings_its_own_segmenter(evaluate, judge, run, tmp_path, capsys):
    unpaired = ["system=unpaired", "loss=unpaired", "discriminator=patchgan_image", "dataset.unpaired=shuffled",
                "encoder=none", "system.segmenter.network.widths=[4,6]"]
    path = make_run(tmp_path / "unpaired", *unpaired)
    evaluate(f"run={path}", *by_judge(judge), *FEW)
    found = read(path / "scores.json")
    own = {"segmenter/miou", "segmenter/accuracy", "segmenter/miou_rare", "agreement/miou", "agreement/accuracy"}
    assert own <= set(found["scores"])
    classes = list(composed("train").dataset.classes)
    assert list(found["segmenter"]["iou"]) == found["segmenter"]["classes"] == classes
    assert sum(map(sum, found["segmenter"]["confusion"])) == 6 * 16 * 16
    assert found["segmenter"]["swapped"][0][0] in classes
    assert 0 < len(found["protocol"]["rare_classes"]) <= 4
    assert (path / "plots" / "segmenter_confusion.png").read_bytes().startswith(b"\x89PNG")
    text = capsys.readouterr().out
    assert "the run's own segmenter on 6 real images" in text
    assert f"the run's segmenter takes {found['segmenter']['swapped'][0][0]} for" in text

    def scores(*overrides):
        evaluate(f"run={path}", *FEW, f"output={tmp_path}/s.json", *overrides)
        return read(tmp_path / "s.json")["scores"]

    assert set(scores("wanted=[segmenter]")) == own
    raw, average = (runs.Run(path, weights=weights).segmenter.network.head for weights in ("raw", "ema"))
    torch.testing.assert_close(average.weight, raw.weight * 1.5)
    assert set(scores("wanted=[miou]", *by_judge(judge))) == {"miou", "accuracy", "miou_rare"}
    with pytest.raises(EvaluationError, match="wanted=segmenter: .* has no segmenter in the loop"):
        evaluate(f"run={run}", *FEW, "wanted=[segmenter]")


def test_a_run_without_style_or_average(evaluate, judge, tmp_path):
    path = make_run(tmp_path / "plain", "encoder=none", average=False)
    evaluate(f"run={path}", *by_judge(judge), *FEW)
    found = read(path / "scores.json")
    assert (found["protocol"]["weights"], found["protocol"]["style"]) == ("raw", None)
    assert "diversity/tiny" in found["skipped"]
    with pytest.raises(ConfigError, match="no moving average"):
        evaluate(f"run={path}", "weights=ema", *FEW)
    with pytest.raises(EvaluationError, match="a label map has one picture"):
        evaluate(f"run={path}", *by_judge(judge), *FEW, "wanted=[diversity]")


def test_a_configuration_of_networks_and_data_alone(evaluate, judge, tmp_path):
    """What the evaluation does not need may be missing."""
    path = make_run(tmp_path / "bare")
    cfg = OmegaConf.load(path / "config.yaml")
    kept = OmegaConf.create({key: cfg[key] for key in ("size", "dataset", "icpe", "generator", "encoder", "norm")})
    OmegaConf.save(kept, path / "config.yaml")
    evaluate(f"run={path}", *by_judge(judge), *FEW, "wanted=[miou]")
    assert set(read(path / "scores.json")["scores"]) == {"miou", "accuracy", "miou_rare"}


def test_what_is_asked_for_and_cannot_be_had_stops_it(evaluate, run, tmp_path):
    output = f"output={tmp_path}/none/s.json"
    with pytest.raises(EvaluationError, match="miou: no segmenter is given"):
        evaluate(f"run={run}", *FEW, "~segmenter", "wanted=[miou]", output)
    with pytest.raises(ConfigError, match="protocol.count must be a whole number from 2 to 10000000, got 1"):
        evaluate(f"run={run}", "protocol.count=1", output)
    with pytest.raises(ConfigError, match=r"nowhere\.safetensors: there is no such segmenter file"):
        evaluate(f"run={run}", *by_judge("nowhere.safetensors"), output)
    with pytest.raises(EvaluationError, match="wanted=beauty: there are fid, frechet, kid"):
        evaluate(f"run={run}", *FEW, "wanted=[beauty]", output)
    with pytest.raises(EvaluationError, match=r"(torch-fidelity|no such file)"):
        evaluate(f"run={run}", *FEW, "inception.weights=nowhere.pth", output)
    assert not (tmp_path / "none").exists()


def test_broken_weights_name_the_run_and_leave_nothing(evaluate, judge, tmp_path):
    path = make_run(tmp_path / "nan")
    checkpoint = path / "checkpoints" / "last.ckpt"
    saved = torch.load(checkpoint)
    for state in (saved["state_dict"], saved["callbacks"]["EMA"]["generator"]):
        for value in state.values():
            if value.is_floating_point():
                value.fill_(torch.nan)
    torch.save(saved, checkpoint)
    with pytest.raises(ConfigError, match=r"nan/checkpoints/last\.ckpt: \d+ of \d+ tensors hold NaN"):
        evaluate(f"run={path}", *by_judge(judge), *FEW, "protocol.style=normal")
    assert not (path / "scores.json").exists()


def test_with_nothing_at_hand_the_pixels_are_compared(evaluate, run, tmp_path, capsys):
    evaluate(f"run={run}", *FEW, "~segmenter", f"output={tmp_path}/s.json")
    found = read(tmp_path / "s.json")
    scores = {key: value for key, value in found["scores"].items()
              if not key.startswith(("style_r2", "region", "reconstruction"))}
    assert set(scores) == {"frechet/pixels", "frechet/pixels/train", "diversity/pixels"}
    assert all(value > 0 for value in scores.values())
    assert found["protocol"]["features"]["pixels"]["grid"] == 2
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("no ")]
    reasons = [line.partition(": ")[2] for line in lines if "no image that counts" not in line]
    assert len(reasons) == len(set(reasons)) == 4  # Inception's weights, a segmenter, LPIPS' weights, codes by class
    told = next(line for line in lines if line.startswith("no frechet, miou, accuracy: no segmenter is given"))
    assert ("python tools/train_segmenter.py dataset=scenes 'size=[16,16]' output=scenes_segmenter.safetensors makes "
            "one") in told


def test_features_are_chosen_by_name(evaluate, run, small, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")  # names of files stay whole
    words = [f"run={run}", *FEW, f"output={tmp_path}/s.json", "~segmenter"]
    evaluate(*words, "features=[efficientnet_lite0_imagenet,dinov2]",
             f"dinov2.weights={small.dinov2(tmp_path / 'tiny.pth')}")
    found = read(tmp_path / "s.json")
    kinds = ("frechet", "kid", "precision", "recall", "density", "coverage")
    names = ("efficientnet_lite0_imagenet", "dinov2_vit64")
    assert {key for key in found["scores"] if not key.startswith(
        ("style_r2", "diversity", "region", "reconstruction"))} == {
        f"{kind}/{name}{split}" for kind in kinds for name in names for split in ("", "/train")}
    assert found["protocol"]["features"][names[0]]["sha256"].startswith("57934424")
    assert found["protocol"]["neighbours"] == 5
    text = " ".join(capsys.readouterr().out.split())
    assert "against 6 real train images" in text
    assert "efficientnet-lite0-57934424.pth 57934424" in text
    assert "fid/" not in text
    evaluate(*words, "features=pixels", "wanted=frechet")
    assert set(read(tmp_path / "s.json")["scores"]) == {"frechet/pixels", "frechet/pixels/train"}
    with pytest.raises(EvaluationError, match="features=vgg: there are inception, "):
        evaluate(*words, "features=[vgg]")
    with pytest.raises(EvaluationError, match="kid: no network of features= gives it"):
        evaluate(*words, "features=pixels", "wanted=[kid]")


@pytest.mark.slow
def test_the_command(run, judge, tmp_path):
    def typed(*arguments):
        return subprocess.run([sys.executable, ROOT / "evaluate.py", *arguments], capture_output=True, text=True,
                              cwd=tmp_path)

    done = typed(f"run={run}", f"segmenter={judge}", *FEW, "wanted=[miou]", "output=s.json")
    assert done.returncode == 0, done.stderr
    assert read(tmp_path / "s.json")["protocol"]["name"] == "scenes"
    failed = typed("run=nowhere")
    assert failed.returncode == 2
    assert failed.stderr.strip() == "nowhere is no run directory: there is no such directory"
    assert sorted(p.name for p in tmp_path.iterdir() if p.name != "cache") == ["plots", "s.json"]
