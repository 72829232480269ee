"""Making a study: which pictures are compared on which page, and copies of them that tell nothing of their maker."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from semsynth.chance import stream
from semsynth.data.masks import is_grey, read_image
from semsynth.data.source import natural_key
from semsynth.errors import PreferenceError
from semsynth.preference.plan import Plan
from semsynth.preference.study import PICTURES, Item, Study, write_study
from semsynth.weights.files import write_with

Files = Mapping[str, Path]
"""Name of a picture -> its file."""
Size = tuple[int, int] | None


class Copies:
    """Copies pictures into a study, each once, as PNG without metadata, under random names.

    Args:
        folder: The study's.
        sources: Method, or `map` -> its files.
        size: (H,W) to which pictures are brought, antialiased, and maps by nearest neighbours; None: as they are.
    """

    def __init__(self, folder: Path, sources: Mapping[str, Files], size: Size) -> None:
        self.folder, self.sources, self.size = folder, sources, size
        self.colours = False  # whether a label map has some
        self._made: dict[tuple[str, str], tuple[str, tuple[int, int]]] = {}

    def of(self, name: str, *methods: str) -> list[str]:
        """Files of a picture's copies, one for each method.

        Raises:
            PreferenceError: their sizes differ.
            DataError: one cannot be read.
        """
        made = [self._copied(method, name) for method in methods]
        sizes = {method: size for method, (_, size) in zip(methods, made, strict=True) if method != "map"}
        if len({*sizes.values()}) > 1:
            told = ", ".join(f"{self.sources[m][name]} has {w}x{h}" for m, (w, h) in sizes.items())
            raise PreferenceError(f"{told}: the size would tell them apart; size=[H,W] brings both to one")
        return [file for file, _ in made]

    def _copied(self, method: str, name: str) -> tuple[str, tuple[int, int]]:
        key = method, name
        if key not in self._made:
            path = self.sources[method][name]
            picture = read_image(path)
            self.colours |= method == "map" and not is_grey(np.asarray(picture))
            if self.size is not None:
                how = Image.Resampling.NEAREST if method == "map" else Image.Resampling.BICUBIC
                picture = picture.resize(self.size[::-1], how)
            file = f"{secrets.token_hex(16)}.png"
            plain = Image.fromarray(np.asarray(picture))  # without metadata
            write_with(self.folder / PICTURES / file, lambda out: plain.save(out, "PNG"))
            self._made[key] = file, picture.size
        return self._made[key]


def common_names(sources: Mapping[str, Files], methods: Sequence[str]) -> list[str]:
    """Names that all of some methods have, in natural order."""
    shared = set.intersection(*({*sources[method]} for method in methods))
    return sorted(shared, key=natural_key)


def choose(plan: Plan, names: Sequence[str], seed: int) -> list[tuple[int, str, tuple[str, str], int | None, bool]]:
    """Which pictures are compared: (page, name, methods, time, whether a sentinel), page by page.

    Pictures of a comparison are drawn without replacement. Sentinels are pictures that the page does not show
    otherwise, as far as there are such.

    Args:
        plan: The layout.
        names: Of the pictures that all methods have.
        seed: Of the choice.

    Raises:
        PreferenceError: there are too few; says how many the layout needs.
    """
    if len(names) < plan.least:
        raise PreferenceError(f"the layout needs {plan.least} pictures, and {len(names)} have one name in all folders: "
                              f"add pictures, or take fewer than preset.pairs={plan.pairs}, preset.pages={plan.pages}")
    times = plan.times or (None,)
    found = []
    for index, (first, second) in enumerate(plan.comparisons):
        order = stream("pictures of a preference study", seed, index).permutation(len(names))[:plan.pictures]
        for place, number in enumerate(order):
            page, within = divmod(place, plan.pairs * len(times))
            found.append((page, names[number], (first, second), times[within % len(times)], False))
    for page in range(plan.pages):
        shown = {name for its, name, *_ in found if its == page}
        order = stream("sentinels of a preference study", seed, page).permutation(len(names))
        for number in sorted(order, key=lambda number: names[number] in shown)[:plan.sentinels]:
            found.append((page, names[number], ("real", "b"), plan.sentinel_time, True))
    return found


def make_study(folder: Path, sources: Mapping[str, Files], plan: Plan, names: Mapping[str, str], *, title: str = "",
               seed: int = 0, size: Size = None, progress: Callable[[Sequence[Any]], Iterable[Any]] = iter) -> Study:
    """Make a study in a new folder; return it.

    Args:
        folder: Empty or not there.
        sources: `a`, `b`, `real` and `map`, as far as the plan needs them -> their files by name.
        plan: The layout.
        names: What `a` and `b` are called in tables.
        title: What the study is of, for tables.
        seed: Of pictures, order and sides.
        size: See `Copies`.
        progress: Wraps the pairs while pictures are copied.

    Raises:
        PreferenceError: the folder is not empty, pictures are missing, too few, of several sizes, or maps without
            colours.
        DataError: a picture cannot be read.
    """
    check_free(folder)
    needed = (*plan.methods, *(["map"] if plan.show_map else []))
    for method in needed:
        if method not in sources:
            raise PreferenceError(f"the layout needs {_key(method)}=DIR, or run directories as a and b")
    shared = common_names(sources, needed)
    if not shared:
        told = ", ".join(f"{_key(method)} has {next(iter(sources[method]), 'none')}" for method in needed)
        raise PreferenceError(f"no picture has one name in all folders ({told}, ...): pairs are files of the same "
                              "name, whatever their ending")
    chosen, copies = choose(plan, shared, seed), Copies(folder, sources, size)
    items = []
    try:
        for page, name, methods, time, sentinel in progress(chosen):
            first, second, *drawn = copies.of(name, *methods, *(["map"] if plan.show_map else []))
            items.append(Item(page, name, methods, (first, second), drawn[0] if drawn else None, time, sentinel))
        if plan.show_map and not copies.colours:
            raise PreferenceError("the maps have no colours, so that nobody would know their classes: give maps in the "
                                  "class colours, or run directories as a and b, which bring theirs")
        study = Study(title, plan.question, {**names, "real": "real"}, seed, plan.pages, plan.raters, plan.pass_mark,
                      items)
        write_study(folder, study)
    except BaseException:
        shutil.rmtree(folder / PICTURES, ignore_errors=True)
        raise
    return study


def check_free(folder: Path) -> None:
    """Check that a study can be made in a folder.

    Raises:
        PreferenceError: something is there.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise PreferenceError(f"study={folder} is there already: take another folder, or remove it with its votes")


def _key(method: str) -> str:
    return "maps" if method == "map" else method
