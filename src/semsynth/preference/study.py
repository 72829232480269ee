"""What a study's folder holds: `study.json`, the pictures under names that say nothing, the votes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from semsynth.errors import PreferenceError
from semsynth.preference.plan import METHODS
from semsynth.spelling import named, typed
from semsynth.weights.files import write_text

STUDY, PICTURES, VOTES = "study.json", "pictures", "votes.jsonl"
MOST_BYTES = 64 * 2**20  # of study.json
FILE = re.compile(r"[0-9a-f]{32}\.png")


@dataclass(frozen=True)
class Item:
    """A pair that is shown.

    Attributes:
        page: Whose raters see it.
        picture: Name of the pictures that both methods made.
        methods: Two of `a`, `b` and `real`; of a sentinel the right one first.
        files: Theirs, below `pictures/`.
        map: File of the label map; None: not shown.
        time_ms: For which both are seen; None: unlimited.
        sentinel: Whether the answer is known.
    """

    page: int
    picture: str
    methods: tuple[str, str]
    files: tuple[str, str]
    map: str | None = None
    time_ms: int | None = None
    sentinel: bool = False

    def __post_init__(self) -> None:
        files = (*self.files, *([] if self.map is None else [self.map]))
        times = self.time_ms is None or (type(self.time_ms) is int and 0 < self.time_ms <= 10**6)
        if not (type(self.page) is int and self.page >= 0 and isinstance(self.picture, str) and times
                and len(self.methods) == len({*self.methods}) == 2 and {*self.methods} <= {*METHODS}
                and len(self.files) == 2 and all(isinstance(f, str) and FILE.fullmatch(f) for f in files)):
            raise ValueError(f"{self} is no pair")


@dataclass(frozen=True)
class Study:
    """A study as it was made.

    Attributes:
        title: Named in tables, such as the data set.
        question: Asked of every pair.
        names: What `a` and `b` are called in tables.
        seed: Of pictures, order and sides.
        pages: How many there are.
        raters: Wanted for each page; None: any number.
        pass_mark: Share of the sentinels that a rater must choose right.
        items: All pairs.
    """

    title: str
    question: str
    names: Mapping[str, str]
    seed: int
    pages: int
    raters: int | None
    pass_mark: float
    items: Sequence[Item]

    def __post_init__(self) -> None:
        words = (self.title, self.question, *(self.names[name] for name in METHODS))
        if not (all(isinstance(word, str) for word in words) and type(self.seed) is int
                and (self.raters is None or (type(self.raters) is int and self.raters > 0))
                and 0 <= self.pass_mark <= 1 and {item.page for item in self.items} == {*range(self.pages)}):
            raise ValueError("its values make no study")

    def on_page(self, page: int) -> list[int]:
        """Numbers of the items of a page."""
        return [index for index, item in enumerate(self.items) if item.page == page]


def write_study(folder: Path, study: Study) -> Path:
    """Write `study.json`, whole or not at all; return its path."""
    return write_text(folder / STUDY, json.dumps(asdict(study), indent=1, ensure_ascii=False) + "\n")


def read_study(folder: Path) -> Study:
    """Read the study of a folder, which may come from anybody.

    Raises:
        PreferenceError: it holds none, or a damaged one, or lacks a picture; names the file.
    """
    path = folder / STUDY
    if not path.is_file():
        made = typed(["preference", "make", named("study", folder), "a=DIR", "b=DIR"])
        raise PreferenceError(f"study={folder}: there is no {STUDY}; `{made}` makes a study")
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ValueError(f"more than {MOST_BYTES} bytes")
        plain = json.loads(path.read_text(encoding="utf-8"))
        items = [Item(**{**item, "methods": tuple(item["methods"]), "files": tuple(item["files"])})
                 for item in plain.pop("items")]
        study = Study(**plain, items=items)
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise PreferenceError(f"{path} is no study, or damaged ({error}): make it again") from error
    whole = (folder / PICTURES).resolve()
    for name in sorted({name for item in study.items for name in (*item.files, *filter(None, [item.map]))}):
        picture = folder / PICTURES / name
        if not picture.is_file() or picture.resolve() != whole / name or whole.parent != folder.resolve():
            raise PreferenceError(f"{picture} is missing, or a link: copy the whole folder, or make the study again")
    return study
