"""Measure the painting page without a server: what lies in its folder, and how long a stroke takes in a browser.

    python bench/web.py SITE     a folder that `python tools/export.py format=web` wrote; prints a table

Needs Chromium and Playwright, as `make test-browser` installs them. A stroke is timed by the page, from the pen's lift
to the picture; the first, for which browsers compile what they have put off, does not count.
"""

import os
import statistics
import sys
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from browser.browsers import installed, static  # noqa: E402
from browser.painting import Painting  # noqa: E402

STROKES = 30


def megabytes(folder):
    """Of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def measured(site, folder):
    """Seconds until the first picture, and the milliseconds of each stroke."""
    with sync_playwright() as playwright, static(site) as address:
        page = playwright.chromium.launch(executable_path=installed()).new_page()
        began = time.monotonic()
        painting = Painting(page, address, folder)
        ready = time.monotonic() - began
        times = []
        for k in range(STROKES):
            page.get_by_role("radio").nth(7 + k % 3).click()
            painting.stroke((3 + k, 5), (3 + k, 60), of=(64, 64))
            times.append(float(page.locator("body").get_attribute("data-milliseconds")))
        return ready, times[1:]


def main():
    """Print what was measured."""
    site = Path(sys.argv[1])
    ready, times = measured(site, site)
    rows = [
        ("generator", f"{(site / 'model' / 'generator.onnx').stat().st_size / 1e6:.1f} MB"),
        ("runtime", f"{megabytes(site / 'runtime'):.1f} MB"), ("the whole folder", f"{megabytes(site):.1f} MB"),
        ("from the address to the first picture", f"{ready:.1f} s"),
        (f"a stroke, median of {len(times)}", f"{statistics.median(times):.0f} ms"),
        ("a stroke, fastest and slowest", f"{min(times):.0f} and {max(times):.0f} ms"),
        ("cores, and processes that wanted one meanwhile", f"{os.cpu_count()}, {os.getloadavg()[0]:.0f}"),
    ]
    print("| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows), sep="\n")


if __name__ == "__main__":
    main()
