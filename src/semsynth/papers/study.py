"""A study: one table or figure of the papers under one name, from its jobs to its page.

`python train.py experiments=NAME` reads the node `study` of experiments/NAME.yaml, trains, scores and measures what is
not there yet, and writes `FOLDER/NAME.md` with its tables as CSV and its pictures. The node, with all its keys:

    # @package _global_
    # SPADE, CLADE and CLADE-ICPE on the embedded scenes: python train.py experiments=table1_scenes
    study:
      title: SPADE, CLADE and CLADE-ICPE on the embedded scenes
      source: CLADE (arXiv:2012.04644), Table I        # what it is of
      differs:                                         # from what is published, a sentence each
        - Scenes of 64x64 that are drawn, twelve classes, for ADE20K, COCO-Stuff and Cityscapes.
      prepare:                                         # a file -> the command that makes it, where it is missing
        segmenters/loop.safetensors: python tools/train_segmenter.py dataset=scenes output=segmenters/loop.safetensors
      train:                                           # trainings: words of train.py; commas part the values of a sweep
        - {dataset: scenes, epochs: 8, norm: "spade,clade,clade_icpe", seed: "0,1,2"}
      score: {protocol: scenes}                        # words of evaluate.py, for every training; without it: no scores
      cost: {device: cpu, memory: false}               # words of tools/complexity.py run=DIR, for a training of each
                                                       # setting; without it: no costs beside the scores
      measure:                                         # networks that are measured and not trained: words of
        - {dataset: ade20k, norm: "spade,clade", device: cpu, threads: 1}             # tools/complexity.py, as in train
      output:                                          # makes the page's sections, see results.Output; or a list
        _target_: semsynth.papers.scores.Scores
      minutes: {train: 6, score: 1, measure: 1}        # of one job on two CPU cores, for the time left
      small:                                           # words of the cut-down form, which replace those above and SMALL
        train: {epochs: 1}

All but `title`, `source`, `output` may be left out. Every map of `train` names one `dataset`, or several by commas. Its
jobs lie in `multirun/DATASET/WORDS`, whichever study asks for them, so that studies share what is trained; what is
measured lies in `multirun/complexity/WORDS`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import yaml

from semsynth.errors import StudyError
from semsynth.shipped import EXPERIMENTS
from semsynth.signatures import near

Words = dict[str, str]
"""Arguments of a command: key -> value as it is typed."""

SMALL: dict[str, Words] = {
    "train": {"seed": "0", "epochs": "1", "dataset.train_length": "16", "dataset.val_length": "8",
              "scores.every_n_epochs": "0", "trainer.limit_val_batches": "1"},
    "score": {"protocol.count": "8", "protocol.train_count": "8", "protocol.diversity_maps": "2"},
    "cost": {"repeats": "1", "warmup": "0", "memory": "false"},
    "measure": {"repeats": "1", "warmup": "0", "memory": "false"},
}
"""What the cut-down form of a study on the embedded scenes changes: that all runs is shown, numbers mean nothing."""
SMALL_MINUTES = {"train": 0.1, "score": 0.1, "cost": 0.1, "measure": 0.5}


@dataclass(frozen=True)
class Study:
    """The node `study` of a file, see above.

    Attributes:
        name: The file's name.
        title: Heading of the page.
        source: Paper and table.
        output: Nodes of the outputs, whose sections follow each other.
        differs: From what is published, a sentence each.
        prepare: A file -> the command that makes it.
        train: Sweeps of trainings.
        score: Words of evaluate.py; None: no scores.
        cost: Words of tools/complexity.py for trained networks; None: no costs.
        measure: Sweeps of measurements.
        minutes: Of one job of each step on two CPU cores.
        small: What the cut-down form changes, by step.
    """

    name: str
    title: str
    source: str
    output: tuple[Mapping[str, Any], ...]
    differs: tuple[str, ...] = ()
    prepare: Mapping[str, str] = field(default_factory=dict)
    train: tuple[Words, ...] = ()
    score: Words | None = None
    cost: Words | None = None
    measure: tuple[Words, ...] = ()
    minutes: Mapping[str, float] = field(default_factory=dict)
    small: Mapping[str, Words] = field(default_factory=dict)

    def reduced(self) -> Study:
        """The cut-down form, which prepares no files: a study leaves out there what needs them."""
        words = {step: SMALL[step] | self.small.get(step, {}) for step in SMALL}
        return replace(self.changed(words), minutes=SMALL_MINUTES, prepare={})

    def changed(self, words: Mapping[str, Words]) -> Study:
        """The study with words of its steps `train`, `score`, `cost` and `measure` replaced, or added to them."""
        def one(step: str) -> Words | None:
            before: Words | None = getattr(self, step)
            return None if before is None else before | words.get(step, {})

        return replace(self, score=one("score"), cost=one("cost"),
                       train=tuple(sweep | words.get("train", {}) for sweep in self.train),
                       measure=tuple(sweep | words.get("measure", {}) for sweep in self.measure))


def read_study(name: str, folders: Sequence[Path] = EXPERIMENTS) -> Study | None:
    """Read a study, of the first folder that has it; None where there is no such file, or one without a node `study`.

    Raises:
        StudyError: the node says what it cannot; names file and key.
    """
    path = next((file for folder in folders if (file := folder / f"{name}.yaml").is_file()), None)
    if path is None:
        return None
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise StudyError(f"{path} cannot be read: {error}") from error
    if not isinstance(content, dict) or "study" not in content:
        return None
    node = content["study"]
    known = {f.name: f for f in fields(Study) if f.name != "name"}
    for key in node:
        if key not in known:
            raise StudyError(f"{path}: study.{key}: there is no such key{near(key, known)}")
    for key in ("title", "source", "output"):
        if key not in node:
            raise StudyError(f"{path}: study.{key} is missing")
    outputs = node["output"] if isinstance(node["output"], list) else [node["output"]]
    try:
        study = Study(
            name, node["title"], node["source"], tuple(outputs), tuple(node.get("differs") or ()),
            node.get("prepare") or {}, _sweeps(node.get("train")), _words(node.get("score")), _words(node.get("cost")),
            _sweeps(node.get("measure")), node.get("minutes") or {},
            {step: _words(words) or {} for step, words in (node.get("small") or {}).items()})
    except AttributeError as error:
        raise StudyError(f"{path}: words stand as key: value, sweeps as a list of them ({error})") from error
    for key, steps in (("small", SMALL), ("minutes", ("prepare", "train", "score", "cost", "measure"))):
        for step in getattr(study, key):
            if step not in steps:
                raise StudyError(f"{path}: study.{key}.{step}: the steps are {', '.join(steps)}")
    for sweep in study.train:
        if "dataset" not in sweep:
            raise StudyError(f"{path}: study.train: {sweep} names no dataset")
    return study


def names(folders: Sequence[Path] = EXPERIMENTS) -> list[str]:
    """The names of all studies."""
    files = sorted({path.stem for folder in folders for path in folder.glob("*.yaml")})
    return [name for name in files if read_study(name, folders)]


def _sweeps(node: list[dict[str, Any]] | None) -> tuple[Words, ...]:
    return tuple(_words(sweep) or {} for sweep in node or ())


def _words(node: dict[str, Any] | None) -> Words | None:
    return None if node is None else {key: _text(value) for key, value in node.items()}


def _text(value: Any) -> str:
    """A value as it would be typed."""
    if isinstance(value, list):
        return f"[{','.join(map(_text, value))}]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)
