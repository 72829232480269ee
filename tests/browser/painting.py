"""The painting page as a person uses it."""

from contextlib import contextmanager
from pathlib import Path

import numpy as np
import yaml
from commands import composed
from PIL import Image

from semsynth.commands.synthesize import draw

PIXELS = """() => {
  const { width, height } = document.querySelector("#pictures canvas");
  const { data } = document.querySelector("#pictures canvas").getContext("2d").getImageData(0, 0, width, height);
  return [Array.from(data), width];
}"""


class Painting:
    """A page that has been opened at an address.

    Args:
        page: Playwright's.
        address: Of the painting page.
        folder: Where saved files lie.
    """

    def __init__(self, page, address, folder):
        self.page, self.folder, self.saved = page, Path(folder), 0
        page.goto(address)
        page.locator("body[data-ready], #status.failed").first.wait_for()
        self.settle()

    @property
    def words(self):
        """What the page says."""
        return self.page.locator("#status").inner_text()

    @property
    def picture(self):
        """What the first picture's canvas shows, (H,W,3) uint8."""
        pixels, width = self.page.evaluate(PIXELS)
        return np.array(pixels, np.uint8).reshape(-1, width, 4)[..., :3]

    def settle(self):
        """Wait until the picture shows the map as it is."""
        self.page.locator("body[data-milliseconds], #status.failed").first.wait_for()
        self.page.locator(".stage[aria-busy]").wait_for(state="detached")

    def choose(self, name):
        """A class or a tool by its name."""
        self.page.get_by_role("radio", name=name, exact=True).click()

    @contextmanager
    def redrawn(self):
        """What is done within draws a picture, which is waited for."""
        self.page.evaluate("delete document.body.dataset.milliseconds")
        yield
        self.settle()

    def stroke(self, *places, of):
        """Pixels of the map, of (width, height) `of`, from one to the next; something must change."""
        box = self.page.locator("#map").bounding_box()
        (x, y), *rest = [(box["x"] + (x + 0.5) * box["width"] / of[0], box["y"] + (y + 0.5) * box["height"] / of[1])
                         for x, y in places]
        with self.redrawn():
            self.page.mouse.move(x, y)
            self.page.mouse.down()
            for to in rest:
                self.page.mouse.move(*to, steps=8)
            self.page.mouse.up()

    def press(self, name):
        """A button that changes the picture."""
        with self.redrawn():
            self.page.get_by_role("button", name=name, exact=True).click()

    def seed(self, value):
        """The style of a seed."""
        with self.redrawn():
            self.page.locator("#first-seed").fill(str(value))
            self.page.locator("#first-seed").press("Enter")

    def photograph(self, file):
        """The style of a photograph."""
        with self.redrawn():
            self.page.locator("#first-photo").set_input_files(file)

    def mask(self, file):
        """Another map to go on with."""
        with self.redrawn():
            self.page.locator("#mask").set_input_files(file)

    def save_all(self, press=None):
        """Saved(map, picture, recipe) by one button, or by what `press()` does."""
        downloads, self.saved = [], self.saved + 1

        def keep(download):
            downloads.append(download)

        self.page.on("download", keep)
        (press or self.page.locator("#save-all").click)()
        for _ in range(600):
            if len(downloads) == 3:
                break
            self.page.wait_for_timeout(50)
        assert len(downloads) == 3, self.words
        self.page.remove_listener("download", keep)
        paths = {}
        for download in downloads:
            part = download.suggested_filename.partition("-")[0]
            paths[part] = self.folder / str(self.saved) / download.suggested_filename
            download.save_as(paths[part])
        return Saved(paths)

    def save(self):
        """Saved(map, picture, recipe), one file after the other; Chromium drops the eleventh of a few seconds."""
        self.saved += 1
        if self.saved > 2:
            self.page.wait_for_timeout(4000)
        paths = {}
        for part in ("map", "picture", "recipe"):
            with self.page.expect_download() as download:
                self.page.locator(f"#save-{part}").click()
            paths[part] = self.folder / str(self.saved) / download.value.suggested_filename
            download.value.save_as(paths[part])
        return Saved(paths)


class Saved:
    """The three files."""

    def __init__(self, paths):
        self.paths = paths
        self.labels = np.asarray(Image.open(paths["map"]))
        self.picture = np.asarray(Image.open(paths["picture"]))
        self.recipe = yaml.safe_load(paths["recipe"].read_text())


def redrawn(run, saved):
    """What the command line draws from the saved files."""
    output = saved.paths["picture"].with_suffix("")
    draw(composed("synthesize", f"run={run}", f"input={saved.paths['map']}", f"redraw={saved.paths['recipe']}",
                  f"output={output}"))
    (picture,) = output.glob("*.png")
    return np.asarray(Image.open(picture))
