"""Small preference studies, and raters with a planted preference who vote on them."""

from datetime import UTC, datetime

import numpy as np
from PIL import Image
from scipy.stats import norm

from semsynth.preference.making import make_study
from semsynth.preference.plan import Plan
from semsynth.preference.session import Session
from semsynth.preference.sources import folder_files

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
SHADES = {"a": (200, 40, 40), "b": (40, 40, 200), "real": (40, 160, 40), "maps": (128, 64, 128)}


def plan(**changes):
    """A small layout."""
    words = {"question": "Which?", "comparisons": [["a", "b"]], "pairs": 4, "pages": 1, "raters": None,
             "show_map": False, "times": None, "sentinels": 0, "sentinel_time": None, "pass_mark": 0.9}
    return Plan(**words | changes)


def write_folders(place, count=12, size=(8, 12)):
    """Folders `a`, `b`, `real` and `maps` of pictures (H,W) in a shade of their own, each picture another one."""
    for name, shade in SHADES.items():
        (place / name).mkdir(parents=True)
        for index in range(count):
            pixels = np.full((*size, 3), shade, np.uint8)
            pixels[0, 0] = index
            Image.fromarray(pixels).save(place / name / f"{index}.png")
    return place


def study_of(place, layout, **words):
    """A study in `place/study` of the folders in `place`."""
    sources = {"map" if name == "maps" else name: folder_files(name, place / name) for name in SHADES}
    make_study(place / "study", sources, layout, {"a": "ours", "b": "theirs"}, **words)
    return place / "study"


def let_vote(folder, raters, chooses):
    """Let raters answer all of a study as a page would ask; `chooses(rater, item) -> 0 or 1` of the item's methods."""
    session = Session(folder, lambda: NOON)
    try:
        for rater in range(raters):
            name = session.begin()
            for place, trial in enumerate(session.raters[name].trials):
                method = chooses(rater, session.study.items[trial.item])
                session.vote(name, place, "left" if trial.left == method else "right", 900, None)
    finally:
        session.close()


class Simulated:
    """Raters and pictures that pull towards one method or the other by chance, around a planted share.

    A vote is for the first method where a normal number is below that of the share, shifted by rater and by picture.

    Args:
        share: Of the votes for the first method, over all raters and pictures that there could be.
        spread_raters: Standard deviation of the raters' shifts.
        spread_pictures: The same of the pictures'.
        seed: Of all chance.
    """

    def __init__(self, share, spread_raters=0.0, spread_pictures=0.0, seed=0):
        self.rng, self.spreads = np.random.default_rng(seed), (spread_raters, spread_pictures)
        self.middle = norm.ppf(share) * np.sqrt(1 + spread_raters**2 + spread_pictures**2)

    def votes(self, raters, pictures):
        """Names of raters and pictures, and the answers, of a study in which all vote on all."""
        shifts = (self.middle + self.rng.normal(0, self.spreads[0], (raters, 1))
                  + self.rng.normal(0, self.spreads[1], (1, pictures)))
        first = self.rng.normal(size=(raters, pictures)) < shifts
        row, column = np.indices(first.shape)
        return [f"r{i}" for i in row.ravel()], [f"p{i}" for i in column.ravel()], first.ravel().tolist()
