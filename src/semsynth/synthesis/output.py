"""The folder that pictures are written to, and what it says of how they were made."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from semsynth.errors import DataError
from semsynth.weights.files import clear_partial, write_text
from semsynth.weights.tensor_files import sha256_of

MADE_WITH = Path("grid", "made_with.json")  # below the folder of pictures
MOVING = ("samples", "seed", "interpolate", "edit", "size", "start", "snap", "precision", "matmul")  # move pictures


@dataclass(frozen=True)
class Output:
    """A folder of pictures.

    Attributes:
        folder: The folder.
        since: When its first picture may have been made, in nanoseconds since 1970; None: what it holds is not ours.
    """

    folder: Path
    since: int | None

    def holds(self, picture: Path, *sources: Path) -> bool:
        """Whether a picture is there that was made in this way, after the files that it was made of were written."""
        if self.since is None or not picture.is_file():
            return False
        return picture.stat().st_mtime_ns >= max(self.since, *(source.stat().st_mtime_ns for source in sources))


def made_with(words: Mapping[str, Any], checkpoint: Path, weights: str) -> dict[str, Any]:
    """What moves the pictures, in plain values.

    Args:
        words: Keys of the command: `MOVING`, input, instances style, a list of files, and edit, what is changed of it.
        checkpoint: Whose weights are drawn with.
        weights: Which of them.
    """
    places = {key: words[key] and str(Path(words[key]).expanduser().resolve()) for key in ("input", "instances")}
    styles = [sha256_of(Path(path).expanduser()) for path in words["style"]]
    return {"checkpoint": sha256_of(checkpoint), "weights": weights, **places, "style": styles,
            **{key: words[key] for key in MOVING}}


def open_output(output: str | Path, overwrite: bool, words: Mapping[str, Any] | None = None) -> Output:
    """Make the folder, or take one that is there, and note the words that its pictures are made with.

    Args:
        output: The folder.
        overwrite: Whether it may hold files of others, or of other words.
        words: As `made_with` has them; a folder of the same words is gone on with. None: never.

    Raises:
        DataError: it holds files already, which those of this call would stand among, and `overwrite` is not set.
    """
    folder = Path(output).expanduser()
    before = sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else []
    place = folder / MADE_WITH
    noted = _noted(place)
    if words is not None and words == noted and not overwrite:
        for part in {path.parent for path in before}:
            clear_partial(part)
        return Output(folder, place.stat().st_mtime_ns)
    if before and not overwrite:
        other = [key for key in words or () if noted and noted.get(key) != (words or {})[key]]
        how = f", made with other words ({', '.join(other)})" if other else ""
        raise DataError(f"output={output} holds {len(before)} files already ({before[0].name} ...){how}, and new "
                        "pictures would stand among them: take another folder, or overwrite=true to replace those of "
                        "the same names")
    folder.mkdir(parents=True, exist_ok=True)
    if words is None:
        place.unlink(missing_ok=True)
        return Output(folder, None)
    write_text(place, json.dumps(words, indent=2) + "\n")
    return Output(folder, place.stat().st_mtime_ns)


def _noted(place: Path) -> Any:
    """What a folder says of its pictures; None where it says nothing that can be read."""
    try:
        return json.loads(place.read_text())
    except (OSError, ValueError):
        return None
