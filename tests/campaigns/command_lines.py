"""Command lines: every key of every command with values that it cannot mean, up to where its work begins."""

import importlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from commands import SMALL, UNPAIRED
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import OmegaConf

from campaigns.folders import make_folder
from campaigns.outcomes import Case
from semsynth.config.keys import kind_of
from semsynth.shipped import CONF

KIND = "command lines"
HEAVY = ("pytorch_lightning", "torchvision", "torchmetrics", "albumentations", "matplotlib.pyplot", "rich.progress")

# What is typed: words for Hydra, and the plain value that they mean.
VALUES: list[tuple[str, Any]] = [
    ("null", None), ("-1", -1), ("0", 0), ("1e30", 1e30), ("1000000000000", 10**12), ("nan", float("nan")),
    ("-inf", float("-inf")), ("0.5", 0.5), ("foo", "foo"), ("[]", []), ("[1,two,null]", [1, "two", None]), ("{}", {}),
    ("{a:{b:1}}", {"a": {"b": 1}}), ("../", "../"), ("''", ""), ("true", True), ("'x\\0y'", "x\\0y"),
    ("${nowhere}", "${nowhere}"), ("/dev/null", "/dev/null"),
]
# Keys by their beginnings of which a command reads next to nothing, so that they are held against no signature.
UNREAD = {"weights": "", "complexity": "trainer."}
REACHED = "work began"


@dataclass(frozen=True)
class Command:
    """A command, words with which it works, and the function in which its work begins."""

    name: str
    words: Callable[[Path], list[str]]
    works: tuple[str, ...]


def run_of(folder: Path) -> str:
    return f"run={folder / 'run'}"


COMMANDS = [
    Command("train", lambda f: [*tiny(f), "loss=spade_no_vgg", f"run_dir={f / 'new'}"],
            ("semsynth.runs.training.train",)),
    Command("train", lambda f: [*SMALL, *UNPAIRED, "size=32", "scores=none", f"run_dir={f / 'new'}"],
            ("semsynth.runs.training.train",)),
    Command("evaluate", lambda f: [run_of(f), "device=cpu"], ("semsynth.evaluation.sources.score",)),
    Command("evaluate", lambda f: [f"images={f}/data/val/images", f"labels={f}/data/val/labels", "dataset=folder",
                                   f"dataset.root={f}/data"], ("semsynth.evaluation.sources.score",)),
    Command("synthesize", lambda f: [run_of(f), f"input={f}/data/val/labels", f"output={f}/out"],
            ("semsynth.synthesis.pictures.synthesize",)),
    Command("export", lambda f: [run_of(f), "format=onnx", f"output={f}/out"],
            ("semsynth.exporting.export._write_programs",)),
    Command("export", lambda f: [run_of(f), "format=safetensors", f"output={f}/out"],
            ("semsynth.exporting.export._write_run",)),
    Command("check_data", lambda f: ["dataset=folder", f"dataset.root={f}/data"],
            ("semsynth.data.check_report.check_splits", "semsynth.data.check_report.draft_folder")),
    Command("complexity", lambda f: ["size=32", "generator.ngf=4", f"run_dir={f}/record"],
            ("semsynth.commands.complexity.measure",)),
    Command("report", lambda f: [f"runs={f}/run", f"output={f}/report", "samples=1"],
            ("semsynth.reporting.report.write_report",)),
    Command("weights", lambda f: ["dataset=ade20k"], ("semsynth.commands.weights.show",)),
    Command("import_checkpoint", lambda f: [f"source={f}/run", f"output={f}/imported"],
            ("semsynth.checkpoints.importer.open_model",)),
    Command("train_segmenter", lambda f: [f"output={f}/own.safetensors", "size=32"],
            ("semsynth.runs.train_supervised",)),
    Command("train_style_regressor", lambda f: [f"output={f}/style.safetensors", "size=[32,32]"],
            ("semsynth.runs.train_supervised",)),
    Command("dashboard", lambda f: [f"runs={f}/run", f"output={f}/dashboard"],
            ("semsynth.reporting.wandb_files.read_offline",)),
    Command("pseudo_label", lambda f: [f"images={f}/data/val/images", f"output={f}/labelled", "segmenter=scenes"],
            ("semsynth.data.pseudo_labels.label",)),
    Command("coco_instances", lambda f: [f"root={f}/coco"], ("semsynth.data.coco_instances.make_maps",)),
]


def tiny(folder: Path) -> list[str]:
    return ["dataset=folder", f"dataset.root={folder / 'data'}", *SMALL, "size=32", "scores=none"]


def cases(random: np.random.Generator, folder: Path) -> Iterator[Case]:
    """One override of a key that a command has, in words that it has; now and then two, or one that is malformed."""
    make_folder(folder / "data")
    subprocess.run([sys.executable, "-m", "semsynth", "train", *tiny(folder), "loss=spade_no_vgg", "trainer=smoke",
                    f"run_dir={folder / 'run'}"], check=True, capture_output=True)
    keys = [leaves(command, folder) for command in COMMANDS]
    for module in {*HEAVY, *(place.rpartition(".")[0] for command in COMMANDS for place in command.works)}:
        importlib.import_module(module)  # once, and not in every case
    while True:
        index = int(random.integers(len(COMMANDS)))
        command, known = COMMANDS[index], keys[index]
        typed, rights = [], []
        for _ in range(1 + int(random.random() < 0.1)):
            key = list(known)[int(random.integers(len(known)))]
            word, value = VALUES[int(random.integers(len(VALUES)))]
            form = "~{key}" if random.random() < 0.03 else "{key}={word}"
            typed.append(form.format(key=key, word=word))
            ruled = not key.startswith(UNREAD.get(command.name, " ")) or kind_of(key, command.name) is not None
            rights.append(ruled and "=" in typed[-1] and clashes(known[key], value))
        yield Case(f"{command.name} {' '.join(typed)}", caller(command, [*command.words(folder), *typed]),
                   "refused" if any(rights) else lambda _: None)


def leaves(command: Command, folder: Path) -> dict[str, Any]:
    """The dotted keys of a command as it is composed, with their plain values; None for those that follow others."""
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        plain = OmegaConf.to_container(compose(command.name, overrides=command.words(folder)))
    GlobalHydra.instance().clear()
    return dict(flat(plain))


def flat(node: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if path:
        yield path, None if isinstance(node, str) and ("$" in node or node == "???") else node
    for key, child in node.items() if isinstance(node, dict) else ():
        if str(key) != "hydra" and not str(key).startswith("_"):
            yield from flat(child, f"{path}.{key}" if path else str(key))


def clashes(usual: Any, value: Any) -> bool:
    """Whether a value can be told to be wrong by the kind of the usual one."""
    if isinstance(usual, bool):
        return not isinstance(value, bool)
    if isinstance(usual, int | float):
        return isinstance(value, bool | str | list | dict) or (isinstance(value, float) and not np.isfinite(value))
    if isinstance(usual, str):
        return isinstance(value, dict) or value == []
    return False


def caller(command: Command, words: list[str]) -> Callable[[], Any]:
    def call() -> Any:
        def reached(*_: Any, **__: Any) -> Any:
            raise Reached

        for place in command.works:
            module, _, name = place.rpartition(".")
            setattr(importlib.import_module(module), name, reached)
        try:
            importlib.import_module(f"semsynth.commands.{command.name}").main(words)
        except Reached:
            return REACHED
        return None

    return call


class Reached(BaseException):
    """Raised where work would begin; no handler of errors takes it for one."""
