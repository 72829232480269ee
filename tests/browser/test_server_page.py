"""The page with a server: what is painted, drawn and saved in it is what the command line draws, to the bit."""

import numpy as np
import pytest
from browser.painting import Painting, redrawn
from PIL import Image

SIZE = (32, 32)


@pytest.fixture
def painting(page, address, tmp_path):
    return Painting(page, address, tmp_path)


def test_paint_fill_undo_style_photograph_save(painting, run, photo):
    painting.choose("grass")
    painting.stroke((3, 20), (28, 20), of=SIZE)
    painting.choose("sun")
    painting.stroke((8, 6), of=SIZE)
    two = painting.save()
    assert set(np.unique(two.labels)) == {0, 2, 3}
    painting.choose("Fill")
    painting.choose("cloud")
    painting.stroke((30, 2), of=SIZE)
    filled = painting.save()
    assert (filled.labels[:18][two.labels[:18] == 0] == 1).all()  # around the sun, as far as the grass
    painting.press("Undo")
    undone = painting.save()
    np.testing.assert_array_equal(undone.labels, two.labels)
    np.testing.assert_array_equal(undone.picture, two.picture)
    painting.seed(77)
    styled = painting.save()
    painting.photograph(photo)
    of_photo = painting.save()
    pictures = [two.picture, styled.picture, of_photo.picture]
    assert not any(np.array_equal(pictures[i], pictures[i - 1]) for i in range(3))
    for saved in (filled, styled, of_photo):
        np.testing.assert_array_equal(redrawn(run, saved), saved.picture)


def test_files_of_the_page_that_did_not_come_are_asked_for_again(page, new_page, address, tmp_path):
    page.route("**/view.js", lambda route: route.fulfill(status=503), times=2)
    assert Painting(page, address, tmp_path).words == "Paint on the map: the picture follows."
    page.route("**/view.js", lambda route: route.fulfill(status=503))
    page.reload()
    page.locator("#status.failed", has_text="too many use the server at the moment").wait_for()
    new_page.errors.clear()


def test_odd_files_are_refused_in_words(painting, new_page, tmp_path):
    before = painting.save().labels
    Image.fromarray(np.full((8, 8), 77, np.uint8)).save(tmp_path / "strange.png")
    (tmp_path / "text.png").write_text("no picture")
    for name, words in (("strange.png", "label id 77 at row 0, column 0"), ("text.png", "no picture")):
        painting.page.locator("#mask").set_input_files(tmp_path / name)
        painting.page.locator("#status.failed", has_text=words).wait_for()
        assert name in painting.words
    np.testing.assert_array_equal(painting.save().labels, before)
    assert all("status of 4" in error for error in new_page.errors)
    new_page.errors.clear()


def test_a_refusal_goes_with_the_next_success(painting, new_page, photo, tmp_path):
    (tmp_path / "text.png").write_text("no picture")
    refused = painting.page.locator("#status.failed", has_text="no picture")
    for act, told in ((lambda: painting.seed(5), ""),
                      (lambda: painting.photograph(photo), "photo.png is the style now.")):
        painting.page.locator("#mask").set_input_files(tmp_path / "text.png")
        refused.wait_for()
        act()
        refused.wait_for(state="detached")
        assert painting.words == told
    assert all("status of 4" in error for error in new_page.errors)
    new_page.errors.clear()
