"""Photographs of any depth, turned by a tag, or transparent: one 8-bit RGB for training, styles and statistics."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch.testing import assert_close

from semsynth.data.check import scan
from semsynth.data.check_report import show_summary
from semsynth.data.decoding import is_turned, picture_size
from semsynth.data.masks import read_image, read_instances, read_mask
from semsynth.data.pictures import read_picture
from semsynth.encoders.style import StyleEncoder
from semsynth.errors import DataError
from semsynth.synthesis.styles import encode_style

RAMP = np.linspace(0, 65535, 48 * 64).reshape(48, 64)


def tagged(orientation):
    exif = Image.Exif()
    exif[274] = orientation
    return exif


def lying(upright, orientation):
    """The pixels (H,W[,3]) as a camera stores them which notes this orientation: the inverse of the turn."""
    back = {1: lambda a: a, 2: lambda a: a[:, ::-1], 3: lambda a: a[::-1, ::-1], 4: lambda a: a[::-1],
            5: lambda a: a.swapaxes(0, 1), 6: lambda a: np.rot90(a), 7: lambda a: a.swapaxes(0, 1)[::-1, ::-1],
            8: lambda a: np.rot90(a, -1)}
    return np.ascontiguousarray(back[orientation](upright))


@pytest.mark.parametrize(
    ("name", "values"),
    [("grey16.png", RAMP.astype(np.uint16)), ("grey16.tif", RAMP.astype(np.uint16)),
     ("big.tif", RAMP.astype(">u2")), ("float.tif", (RAMP / 65535).astype(np.float32))],
)
def test_the_brightness_of_deep_pictures_survives(name, values, tmp_path):
    Image.fromarray(values).save(tmp_path / name)
    pixels = np.asarray(read_image(tmp_path / name))
    assert pixels.shape == (48, 64, 3)
    np.testing.assert_allclose(pixels, np.repeat(RAMP[:, :, None] / 65535 * 255, 3, 2), atol=0.51)


@pytest.mark.parametrize(
    ("values", "message"),
    [(RAMP.astype(np.int32), r"32-bit integers \(0 to 65535\)"), (RAMP.astype(np.float32), "from 0 to 65535"),
     (np.full((4, 4), np.nan, np.float32), "real numbers"),
     (RAMP.astype(np.float32) / 65535 - 0.5, "from -0.5 to 0.5")],
)
def test_pictures_whose_white_is_not_known_are_refused_by_name(values, message, tmp_path):
    Image.fromarray(values).save(tmp_path / "a.tif")
    with pytest.raises(DataError, match=rf"a\.tif: a picture of .*{message}"):
        read_image(tmp_path / "a.tif")


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp"])
def test_pictures_are_turned_as_their_tag_says(orientation, suffix, fx, tmp_path):
    path, wanted = tmp_path / f"a.{suffix}", fx.picture()
    exact = {"quality": 95} if suffix == "jpg" else {"lossless": True} if suffix == "webp" else {}
    Image.fromarray(lying(wanted, orientation)).save(path, exif=tagged(orientation), **exact)
    np.testing.assert_allclose(np.asarray(read_image(path), int), wanted, atol=8 if suffix == "jpg" else 0)
    assert picture_size(path) == (48, 64)


@pytest.mark.parametrize("orientation", [0, 9])
def test_a_tag_that_no_camera_writes_turns_nothing(orientation, fx, tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(fx.picture()).save(path, exif=tagged(orientation))
    np.testing.assert_array_equal(np.asarray(read_image(path)), fx.picture())
    assert picture_size(path) == (48, 64)
    assert not is_turned(Image.open(path))


@pytest.mark.parametrize("orientation", [3, 6])
def test_masks_are_turned_as_their_own_tag_says(orientation, tmp_path):
    ids = np.arange(48 * 64, dtype=np.uint16).reshape(48, 64)
    Image.fromarray(lying(ids, orientation)).save(tmp_path / "m.png", exif=tagged(orientation))
    np.testing.assert_array_equal(read_mask(tmp_path / "m.png").pixels, ids)
    np.testing.assert_array_equal(read_instances(tmp_path / "m.png"), ids)


def test_a_turned_photograph_meets_its_upright_mask(fx, build, tmp_path):
    root = fx.folder(tmp_path)
    upright = build("folder", root, "val")[0]["image"]
    path = root / "val/images/val1.jpg"
    Image.fromarray(lying(fx.picture(), 3)).save(path, quality=95, exif=tagged(3))
    assert_close(build("folder", root, "val")[0]["image"], upright, atol=0.05, rtol=0)
    Image.fromarray(fx.picture()).save(path, exif=tagged(6))  # and where the mask was drawn on the lying picture
    with pytest.raises(DataError, match=r"val1\.png: 64x48 .* has 48x64 \(an EXIF tag may turn the image"):
        build("folder", root, "val")[0]


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparent_pixels_become_white(mode, tmp_path):
    image = Image.new("RGBA", (4, 4), (200, 200, 200, 255))
    image.paste((0, 0, 0, 0), (0, 0, 2, 4))
    image.convert(mode).save(tmp_path / "a.png")
    pixels = np.asarray(read_image(tmp_path / "a.png"))
    assert (pixels[:, :2] == 255).all()
    assert (pixels[:, 2:] == 200).all()


def test_a_check_counts_what_was_done_to_pictures(fx, build, tmp_path):
    from io import StringIO

    from rich.console import Console

    root = fx.camvid(tmp_path, suffix=".png")
    Image.fromarray(lying(fx.picture(), 6)).save(root / "train/train_1.png", exif=tagged(6))
    Image.fromarray(np.dstack([fx.picture(), np.full((48, 64), 9, np.uint8)])).save(root / "train/train_2.png")
    Image.fromarray(RAMP.astype(np.uint16)).save(root / "train/train_3.png")
    report, console = scan(build("camvid", root, strict=False)), Console(file=StringIO(), width=200)
    assert (report.faults, sorted(report.changes.values())) == ([], [1, 1, 1])
    assert show_summary({"train": report}, console) == 0
    for word in ("1 picture is turned by an EXIF tag", "1 picture is transparent", "1 picture is scaled from 16 bits"):
        assert word in console.file.getvalue()


def test_a_check_finds_a_picture_that_ends_early_inside(fx, build, half_png, tmp_path):
    root = fx.camvid(tmp_path, suffix=".png")
    half_png(fx.picture(), root / "train/train_1.png")
    report = scan(build("camvid", root, strict=False))
    assert len(report.faults) == 1
    assert "train_1.png: damaged: its pixel data end early (50% are there)" in report.faults[0]


def test_a_picture_above_the_limit_is_named(fx, build, tmp_path, monkeypatch):
    dataset = build("camvid", fx.camvid(tmp_path), strict=False)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    report = scan(dataset)
    assert len(report.faults) == 8  # all pictures and masks: none hides the others
    assert all("more than 0 megapixels, the most that is read" in fault for fault in report.faults)
    with pytest.raises(DataError, match=r"train_1\.jpg: more than"):
        picture_size(dataset.pairs[0].image)


def test_styles_are_taken_from_the_same_reading(fx, tmp_path):
    encoder = StyleEncoder(size=(32, 32), nef=2, z_dim=4).eval()
    picture = fx.picture()
    Image.fromarray(picture).save(tmp_path / "plain.png")
    Image.fromarray(lying(picture, 6)).save(tmp_path / "turned.png", exif=tagged(6))

    def style(picture):
        return encode_style(encoder, picture, (32, 32)).vector

    wanted = style(tmp_path / "plain.png")
    assert torch.equal(style(tmp_path / "turned.png"), wanted)
    assert torch.equal(style(Image.open(tmp_path / "turned.png")), wanted)
    deep, flat = Image.fromarray(RAMP.astype(np.uint16)), Image.fromarray((RAMP / 65535 * 255).round().astype(np.uint8))
    assert_close(style(deep), style(flat), atol=1e-3, rtol=0)


@pytest.mark.parametrize("form", ["PNG", "GIF", "WEBP"])
@pytest.mark.parametrize("read", [read_image, read_picture])
def test_animations_are_no_photographs(form, read, tmp_path):
    path = tmp_path / f"x.{form.lower()}"
    frames = [Image.new("RGB", (8, 8), (shade, 0, 0)) for shade in (0, 90)]
    frames[0].save(path, form, save_all=True, append_images=frames[1:])
    with pytest.raises(DataError, match=r"x\.\w+: holds several pictures"):
        read(path)


def test_whatever_a_decoder_raises_names_the_file(tmp_path, monkeypatch):
    path = tmp_path / "x.png"
    Image.new("L", (8, 8)).save(path)
    for raised, said in ((IndexError("list index"), "cannot be decoded"), (MemoryError(), "needs more memory")):
        monkeypatch.setattr(Image.Image, "convert", lambda *_, raised=raised: (_ for _ in ()).throw(raised))
        with pytest.raises(DataError, match=rf"x\.png: {said}"):
            read_image(path)
