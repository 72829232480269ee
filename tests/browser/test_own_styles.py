"""Styles of one class and of one patch, by a click on the page with a server."""

import numpy as np
import pytest
from browser.browsers import demo
from browser.painting import Painting, Saved, redrawn

SIZE = (32, 32)


@pytest.fixture(scope="module")
def run(tiny_run):
    """A run whose instances have styles."""
    return tiny_run(norm="inade")


@pytest.fixture(scope="module")
def address(run):
    with demo(run) as address:
        yield address


@pytest.fixture
def painting(page, address, tmp_path):
    """Two cars, far from each other."""
    painting = Painting(page, address, tmp_path)
    painting.choose("car")
    for place in ((8, 8), (24, 24)):
        painting.stroke(place, (place[0] + 2, place[1] + 2), of=SIZE)
    return painting


def chips(painting):
    return [words[:-2] for words in painting.page.locator("#region-style button").all_inner_texts()]


def changed(first, second):
    """How much two pictures differ around the one car, and around the other."""
    apart = np.abs(first.astype(int) - second).sum(2)
    return apart[6:13, 6:13].mean(), apart[22:29, 22:29].mean()


def test_one_instance_and_its_class(painting, run):
    before = painting.picture
    painting.choose("Instance style")
    painting.stroke((9, 9), of=SIZE)
    assert painting.words == "This car has a style of its own."
    one = painting.save_all()
    assert [place["at"] for place in one.recipe["style"]["instances"]] == [[9, 9]]
    near, far = changed(before, one.picture)
    assert near > 2 * far
    painting.stroke((10, 10), of=SIZE)  # the same one anew
    assert chips(painting) == ["car at 10, 10"]
    again = painting.picture
    assert changed(one.picture, again)[0] > 0
    painting.choose("Region style")
    painting.stroke((24, 24), of=SIZE)
    assert chips(painting) == ["car", "car at 10, 10"]
    both = painting.save_all()
    near, far = changed(again, both.picture)
    assert far > 2 * near
    for saved in (one, both):
        np.testing.assert_array_equal(redrawn(run, saved), saved.picture)


def test_a_style_goes_with_its_patch(painting):
    before = painting.picture
    painting.choose("Instance style")
    painting.stroke((9, 9), of=SIZE)
    styled = painting.picture
    assert not np.array_equal(styled, before)
    painting.choose("cloud")
    painting.choose("Fill")
    painting.stroke((9, 9), of=SIZE)
    assert chips(painting) == []
    assert painting.words == "Painted over: car at 9, 9. Undo brings the style back."
    assert "instances" not in painting.save_all().recipe["style"]
    painting.press("Undo")
    assert chips(painting) == ["car at 9, 9"]
    np.testing.assert_array_equal(painting.picture, styled)
    painting.page.wait_for_timeout(500)  # until the page has kept it
    painting.page.reload()
    painting.settle()
    assert chips(painting) == ["car at 9, 9"]
    np.testing.assert_array_equal(painting.picture, styled)
    with painting.redrawn():
        painting.page.get_by_role("button", name="car at 9, 9: back to the style of the picture").press("Enter")
    np.testing.assert_array_equal(painting.picture, before)
    assert painting.page.evaluate("document.activeElement.id") == "region-style"


def test_undo_takes_back_styles_as_well(painting):
    before = painting.picture
    painting.choose("Instance style")
    painting.stroke((9, 9), of=SIZE)
    first = painting.picture
    painting.stroke((9, 9), of=SIZE)
    assert not np.array_equal(painting.picture, first)
    for expected in (first, before):
        painting.press("Undo")
        np.testing.assert_array_equal(painting.picture, expected)
    assert painting.words == "Undone."
    painting.press("Redo")
    np.testing.assert_array_equal(painting.picture, first)
    painting.seed(77)
    painting.press("Undo")
    np.testing.assert_array_equal(painting.picture, first)


def test_of_two_styles_in_one_patch_the_newest_holds(painting):
    painting.choose("Instance style")
    painting.stroke((9, 9), of=SIZE)
    painting.stroke((25, 25), of=SIZE)
    painting.choose("Brush")
    painting.stroke((9, 9), (25, 25), of=SIZE)
    assert chips(painting) == ["car at 25, 25"]
    painting.press("Undo")
    assert chips(painting) == ["car at 9, 9", "car at 25, 25"]


def test_two_runs_of_which_one_knows_instances(page, tiny_run, tmp_path):
    """On a map that is wider than high, with patches at both sides of it, which are not one."""
    wide = (64, 32)
    runs = {name: tiny_run(size=(32, 64), **words) for name, words in
            (("plain", {"z_dim": 3}), ("instances", {"norm": "inade"}))}
    with demo(runs["plain"], f"compare={runs['instances']}") as address:
        painting = Painting(page, address, tmp_path)
        painting.choose("car")
        for places in (((45, 6), (50, 9)), ((0, 15), (2, 15)), ((63, 14), (61, 14))):
            painting.stroke(*places, of=wide)
        painting.choose("Instance style")
        for place in ((46, 7), (63, 14), (0, 15)):
            painting.stroke(place, of=wide)
        assert chips(painting) == ["car at 46, 7", "car at 63, 14", "car at 0, 15"]
        with painting.redrawn():
            painting.page.locator("#region-style button").nth(1).click()
        assert chips(painting) == ["car at 46, 7", "car at 0, 15"]
        painting.choose("Brush")
        painting.choose("grass")
        painting.stroke((0, 15), of=wide)
        assert chips(painting) == ["car at 46, 7"]
        with painting.redrawn():
            painting.page.locator("#region-style button").click()
        painting.choose("car")
        painting.stroke((0, 15), of=wide)
        assert chips(painting) == ["car at 0, 15"]  # what was painted over was not taken away
        files = {}
        painting.page.on("download", lambda file: files.update({file.suggested_filename: file}))
        painting.page.locator("#save-all").click()
        for _ in range(100):
            painting.page.wait_for_timeout(50 if len(files) < 5 else 0)
        for name, file in files.items():
            file.save_as(tmp_path / name)
    (labels,) = tmp_path.glob("map-*.png")
    for number, run in ((1, runs["plain"]), (2, runs["instances"])):
        (picture,), (recipe,) = (list(tmp_path.glob(f"{part}-{number}-*")) for part in ("picture", "recipe"))
        saved = Saved({"map": labels, "picture": picture, "recipe": recipe})
        own = saved.recipe["style"].get("instances", [])
        assert [place["at"] for place in own] == ([] if number == 1 else [[15, 0]])
        np.testing.assert_array_equal(redrawn(run, saved), saved.picture)


def test_runs_without_instances_offer_no_such_tool(page, tiny_run, tmp_path):
    with demo(tiny_run(z_dim=3)) as address:
        painting = Painting(page, address, tmp_path)
        assert painting.page.get_by_role("radio", name="Instance style").count() == 0
        painting.page.keyboard.press("t")
        assert painting.page.get_by_role("radio", name="Brush", exact=True).is_checked()
