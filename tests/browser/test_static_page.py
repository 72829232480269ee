"""The page without a server: what is painted, drawn and saved in it, against the command line."""

import base64
import shutil

import numpy as np
import pytest
import torch
from browser.painting import Painting
from commands import composed
from PIL import Image

from semsynth import Synthesizer
from semsynth.commands.synthesize import draw
from semsynth.pictures.grid import to_uint8

SIZE = (32, 32)


@pytest.fixture(scope="module")
def site(run, exported):
    return exported(run, stored="float32")


@pytest.fixture
def painting(page, site, served, tmp_path):
    return Painting(page, served(site), tmp_path)


def vector(saved):
    return np.frombuffer(base64.b64decode(saved.recipe["style"]["codes"]["vector"]["data"]), np.float32)


def by_torch(run, labels, z):
    labels = labels[None].astype(np.int64)
    return to_uint8(Synthesizer.from_run(run)(labels, instances=labels, z=z.copy())[0].numpy())


def levels(first, second):
    return np.abs(first.astype(int) - second.astype(int)).max()


def test_paint_fill_undo_style_save(painting, run):
    painting.choose("grass")
    painting.stroke((3, 20), (28, 20), of=SIZE)
    painting.choose("sun")
    painting.stroke((8, 6), of=SIZE)
    two = painting.save()
    assert set(np.unique(two.labels)) == {0, 2, 3}
    assert (two.labels[20, 4:28] == 3).all()
    painting.choose("Fill")
    painting.choose("cloud")
    painting.stroke((30, 2), of=SIZE)
    filled = painting.save()
    sky = two.labels == 0
    assert (filled.labels[:18][sky[:18]] == 1).all()  # around the sun, as far as the grass
    assert (filled.labels[two.labels == 3] == 3).all()
    painting.press("Undo")
    undone = painting.save()
    np.testing.assert_array_equal(undone.labels, two.labels)
    np.testing.assert_array_equal(undone.picture, two.picture)
    painting.seed(77)
    styled = painting.save()
    assert levels(styled.picture, two.picture) > 2
    np.testing.assert_allclose(vector(styled), torch.randn(17, generator=torch.Generator().manual_seed(77)), atol=3e-6)
    for saved in (two, filled, styled):
        assert levels(saved.picture, by_torch(run, saved.labels, vector(saved))) <= 1


def test_the_style_of_a_photograph(painting, run, photo):
    painting.photograph(photo)
    saved = painting.save()
    wanted = Synthesizer.from_run(run).encode(photo).vector[0]
    np.testing.assert_allclose(vector(saved), wanted, atol=0.01)  # Pillow's roundings
    assert levels(saved.picture, by_torch(run, saved.labels, vector(saved))) <= 1
    before = vector(saved)
    painting.press("Mix with another")
    mixed = vector(painting.save())
    assert np.abs(mixed - before).max() > 0.01


def test_the_command_line_draws_a_recipe_again(painting, run, photo, tmp_path):
    painting.choose("car")
    painting.stroke((3, 3), (20, 25), of=SIZE)
    painting.photograph(photo)
    saved = painting.save()
    draw(composed("synthesize", f"run={run}", f"input={saved.paths['map']}", f"output={tmp_path / 'again'}",
                  f"redraw={saved.paths['recipe']}"))
    (again,) = (tmp_path / "again").glob("*.png")
    assert levels(np.asarray(Image.open(again)), saved.picture) <= 1


def test_a_mask_of_ids_and_one_of_colours(painting, tmp_path):
    labels = np.kron(np.random.default_rng(0).integers(0, 5, (4, 4)), np.ones((16, 16), int)).astype(np.uint8)
    Image.fromarray(labels).save(tmp_path / "ids.png")
    colours = np.uint8([[40 * i, 0, 255] for i in range(5)])
    Image.fromarray(colours[labels.T]).save(tmp_path / "colours.png")
    for name, wanted in (("ids.png", labels), ("colours.png", labels.T)):
        painting.mask(tmp_path / name)
        np.testing.assert_array_equal(painting.save().labels, wanted[::2, ::2])


def test_a_page_that_is_opened_as_a_file_says_why_it_reads_nothing(page, new_page, site):
    page.goto(f"file://{site}/index.html")
    page.locator("#status.failed", has_text="opened as a file can read nothing: serve its folder").wait_for()
    new_page.errors.clear()


def test_odd_files_are_refused_in_words(painting, tmp_path):
    before = painting.save().labels
    Image.fromarray(np.full((8, 8), 77, np.uint8)).save(tmp_path / "strange.png")
    (tmp_path / "text.png").write_text("no picture")
    pixels = np.zeros((8, 8), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "lossy.jpg")
    Image.fromarray(pixels).save(tmp_path / "lossy.webp")
    Image.fromarray(np.stack([pixels, 9 * pixels], 2)).save(tmp_path / "through.png")
    for name, words in (("strange.png", "strange.png: the id 77 at row 0, column 0 is that of no class. A mask holds "
                                        "the ids of the classes (0 to 4)"),
                        ("lossy.jpg", "lossy.jpg: JPEG changes the values of pixels: save the mask as PNG."),
                        ("lossy.webp", "lossy.webp: this WebP changes the values"),
                        ("through.png", "through.png: parts of it are transparent"),
                        ("text.png", "text.png cannot be read")):
        painting.page.locator("#mask").set_input_files(tmp_path / name)
        painting.page.locator("#status.failed", has_text=words).wait_for()
    painting.page.locator("#first-photo").set_input_files(tmp_path / "text.png")
    painting.page.locator("#status.failed", has_text="text.png cannot be read as a picture").wait_for()
    np.testing.assert_array_equal(painting.save().labels, before)


def test_it_reopens_where_it_was_left(painting):
    painting.choose("grass")
    painting.stroke((3, 20), (28, 20), of=SIZE)
    painting.seed(5)
    before = painting.save()
    again = Painting(painting.page, painting.page.url, painting.folder / "again")
    after = again.save()
    np.testing.assert_array_equal(after.labels, before.labels)
    np.testing.assert_array_equal(after.picture, before.picture)


def test_all_three_at_once(painting):
    names = []
    painting.page.on("download", lambda download: names.append(download.suggested_filename))
    painting.page.locator("#save-all").click()
    painting.page.locator("#status", has_text="Saved").wait_for()
    while len(names) < 3:
        painting.page.wait_for_timeout(50)
    assert [name.partition("-")[0] for name in names] == ["map", "picture", "recipe"]


def test_nothing_is_cut_off_at_the_width_of_a_telephone(new_page, site, served, tmp_path):
    page = new_page(viewport={"width": 400, "height": 800})
    painting = Painting(page, served(site), tmp_path)
    painting.choose("grass")
    painting.stroke((3, 20), (28, 20), of=SIZE)
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    box = page.locator("#map").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 400


def test_a_folder_that_was_copied_in_part_is_told(new_page, site, served, tmp_path):
    shutil.copytree(site, tmp_path / "part")
    (tmp_path / "part" / "model" / "generator.onnx").unlink()
    painting = Painting(new_page(), served(tmp_path / "part"), tmp_path)
    assert painting.words == "model/generator.onnx is not where it should be: was the folder copied as a whole?"
    assert new_page.errors.pop().startswith("console: Failed to load resource")
