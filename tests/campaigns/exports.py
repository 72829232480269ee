"""Options of exports: every format with sizes, types, tolerances, places and checkpoints that fit, or do not."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from commands import SMALL

from campaigns.command_lines import HEAVY, REACHED, Reached
from campaigns.outcomes import Case
from semsynth.commands import export
from semsynth.exporting import export as exporting

KIND = "ONNX and export options"
SIZE = 32  # of the run

# For each key: what fits, and what fits nothing. `{f}` is the folder of the case, which holds a file `taken`.
FITS: dict[str, list[str]] = {
    "format": ["onnx", "torch_export", "safetensors", "official"], "size": ["null", "[32,32]"],
    "labels": ["uint8", "int32", "int64"], "tolerance": ["0", "1e-4", "1", "3"],
    "output": ["{f}/new", "{f}/deep/er/new", "{f}/a b", "{f}/x=1", "{f}/é", "{f}/3"],
    "checkpoint": ["auto", "last"], "weights": ["auto", "raw", "ema"]}
WRONG: dict[str, list[str]] = {
    "format": ["null", "tflite", "ONNX", "3", "[]", "{}", "[onnx]", "true", "''", "segmenter"],
    "size": ["[0,0]", "[-32,32]", "[32]", "[32,32,32]", "32.5", "foo", "[a,b]", "{}", "true", "[1e9,1e9]", "nan",
             "[100000000,100000000]", "[7,9]", "[null,32]", "[64,32]", "[[32,32],32]"],
    "labels": ["null", "int16", "float32", "64", "[]", "{}", "true", "''"],
    "tolerance": ["null", "-1", "nan", "inf", "foo", "[]", "{}", "true", "''"],
    "output": ["null", "''", "[]", "{}", "{f}/taken", "{f}/taken/new", "{f}", ".", "/dev/null", "/dev/null/new",
               "/proc/new", "{f}/" + "x" * 300],
    "checkpoint": ["null", "best", "nowhere", "{f}", "{f}/taken", "[]", "{}", "/dev/null", "1.5e3"],
    "weights": ["null", "foo", "[]", "{}", "0", "true"],
    "run": ["null", "{f}", "{f}/taken", "nowhere", "''", "[]", "{}", "/dev/null", "3"],
    "device": ["foo"], "~run": [""], "~format": [""], "+size": ["3"]}
PROGRAMS = ("onnx", "torch_export")  # the formats for which a size means something


def cases(random: np.random.Generator, folder: Path) -> Iterator[Case]:
    """A command with options that fit, of which one is replaced in most cases."""
    run = folder / "run"
    subprocess.run([sys.executable, "-m", "semsynth", "train", *SMALL, f"size={SIZE}", "scores=none", "trainer=smoke",
                    f"run_dir={run}"], check=True, capture_output=True)
    for name in HEAVY:
        __import__(name)
    for index in count():
        place = folder / str(index)
        place.mkdir()
        (place / "taken").write_text("x")
        words = {key: pick(random, values) for key, values in FITS.items()} | {"run": str(run)}
        if words["format"] not in PROGRAMS:
            words["size"] = "null"
        right: str = "accepted"
        if random.random() < 0.75:
            key = pick(random, list(WRONG))
            words[key], right = pick(random, WRONG[key]), "refused"
            if key == "size":
                words["format"] = pick(random, list(PROGRAMS))
        typed = [f"{key}={value}".replace("{f}", str(place)) if key[0] != "~" else key for key, value in words.items()]
        yield Case(f"{index}: {' '.join(f'{k}={v}' for k, v in words.items() if k != 'run' or v != str(run))}",
                   caller(typed), right)  # type: ignore[arg-type]


def pick(random: np.random.Generator, values: list[str]) -> str:
    return values[int(random.integers(len(values)))]


def caller(words: list[str]) -> Callable[[], Any]:
    """The command, up to where a program is traced, which takes most of a minute."""
    def reached(*_: Any) -> Any:
        raise Reached

    def call() -> Any:
        for name, (suffix, _) in exporting.PROGRAMS.items():
            exporting.PROGRAMS[name] = (suffix, reached)
        try:
            export.main(words)
        except Reached:
            return REACHED
        return None

    return call
