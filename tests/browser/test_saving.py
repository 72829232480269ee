"""Files that are saved together belong together, whatever else happens."""

import numpy as np
import pytest
from browser.painting import Painting, redrawn

SIZE = (32, 32)


@pytest.fixture
def painting(page, address, tmp_path):
    painting = Painting(page, address, tmp_path)
    painting.choose("sun")
    return painting


def busy(page, times=None):
    page.route("**/api/draw", lambda route: route.fulfill(status=503, json={"error": "too many wait"}), times=times)


def test_an_open_stroke_ends_first(painting, run):
    painting.page.locator("#map").focus()
    painting.page.keyboard.press("d")
    for _ in range(8):
        painting.page.keyboard.press("ArrowRight")
    saved = painting.save_all(lambda: painting.page.keyboard.press("Control+s"))
    assert (saved.labels == 2).sum() >= 9
    np.testing.assert_array_equal(redrawn(run, saved), saved.picture)


def test_another_style_that_is_chosen_meanwhile_is_not_saved(painting, run):
    save, restyle = "document.getElementById('save-all').click()", "document.getElementById('first-new').click()"
    saved = painting.save_all(lambda: painting.page.evaluate(f"() => {{ {save}; {restyle}; }}"))
    np.testing.assert_array_equal(redrawn(run, saved), saved.picture)


def test_a_server_that_is_busy_is_asked_once_more(painting, new_page, run):
    busy(painting.page, times=1)
    painting.stroke((8, 6), of=SIZE)
    assert painting.page.locator("#status.failed").count() == 0
    saved = painting.save_all()
    np.testing.assert_array_equal(redrawn(run, saved), saved.picture)
    assert "status of 503" in new_page.errors.pop()


def test_a_map_that_was_not_drawn_is_drawn_or_nothing_is_saved(painting, new_page, run):
    page, downloads = painting.page, []
    busy(page)
    page.on("download", lambda download: downloads.append(download))
    box = page.locator("#map").bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 3)
    page.locator("#status.failed", has_text="too many wait").wait_for()
    page.locator("#save-all").click()
    page.locator("#status.failed", has_text="Nothing was saved").wait_for()
    assert downloads == []
    page.locator("#save-map").click()
    page.locator("#status", has_text="Saved map-").wait_for()
    page.unroute("**/api/draw")
    saved = painting.save_all()
    assert 2 in saved.labels
    np.testing.assert_array_equal(redrawn(run, saved), saved.picture)
    assert all("status of 503" in error for error in new_page.errors)
    new_page.errors.clear()
