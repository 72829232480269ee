import pytest
import torch
from safetensors.torch import save_file

from semsynth.data.scenes.dataset import Scenes
from semsynth.errors import EvaluationError
from semsynth.metrics.style_recovery import STYLES, r_squared
from semsynth.metrics.style_regressor import SHIPPED, StyleRegressor, load_style_regressor, save_style_regressor

SMALL = {"widths": [4, 4, 4, 4], "hidden": 4}


def test_three_values_between_zero_and_one_at_any_size():
    regressor = StyleRegressor(**SMALL).eval()
    for size in ((64, 64), (48, 96)):
        values = regressor.predict(torch.randn(2, 3, *size))
        assert values.shape == (2, 3)
        assert ((values >= 0) & (values <= 1)).all()


def test_autocast_changes_nothing():
    regressor = StyleRegressor(**SMALL).eval()
    images = torch.randn(2, 3, 64, 64)
    with torch.autocast("cpu", torch.bfloat16):
        values = regressor.predict(images)
    assert torch.equal(values, regressor.predict(images))


def test_a_file_gives_it_back(tmp_path):
    regressor = StyleRegressor(**SMALL).eval()
    save_style_regressor(tmp_path / "x.safetensors", regressor, SMALL, scores={"r2": {"hue": 0.5}})
    loaded = load_style_regressor(tmp_path / "x.safetensors")
    images = torch.randn(2, 3, 64, 64)
    torch.testing.assert_close(loaded.predict(images), regressor.predict(images), rtol=0.01, atol=0.01)
    assert loaded.about["scores"] == {"r2": {"hue": 0.5}}
    assert len(loaded.sha256) == 64
    assert not loaded.training
    assert not any(p.requires_grad for p in loaded.parameters())
    assert [p.name for p in tmp_path.iterdir()] == ["x.safetensors"]


def test_wrong_files_are_named(tmp_path):
    with pytest.raises(EvaluationError, match=r"nowhere\.safetensors: there is no such style regressor; python tools/"):
        load_style_regressor(tmp_path / "nowhere.safetensors")
    save_file({"x": torch.zeros(1)}, tmp_path / "x.safetensors")
    with pytest.raises(EvaluationError, match=r"x\.safetensors is no style regressor"):
        load_style_regressor(tmp_path / "x.safetensors")
    save_style_regressor(tmp_path / "y.safetensors", StyleRegressor(**SMALL), {**SMALL, "hidden": 5})
    with pytest.raises(EvaluationError, match=r"y\.safetensors is no style regressor:(.|\n)*head\.0\.weight"):
        load_style_regressor(tmp_path / "y.safetensors")
    with pytest.raises(ValueError, match="widths must be four"):
        StyleRegressor([1, 2])


def test_the_shipped_one_reads_held_out_scenes():
    assert SHIPPED.stat().st_size < 2**20
    regressor = load_style_regressor()
    assert min(regressor.about["scores"]["r2"].values()) > 0.8
    scenes = Scenes(48, 64, "val")
    samples = [scenes[i] for i in range(48)]
    images, truth = (torch.stack([s[key] for s in samples]) for key in ("image", "style"))
    values = r_squared(truth, regressor.predict(images))
    assert dict(zip(STYLES, (values > 0.8).tolist(), strict=True)) == dict.fromkeys(STYLES, True)
