"""The jobs of a sweep, known before it is started or by what it left when it was."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException

from semsynth.documents import read_yaml
from semsynth.errors import DocumentError
from semsynth.runs.naming import run_name
from semsynth.shipped import CONF

PLAN = "multirun.yaml"  # Hydra's, of the last start
NUMBER, NAME = "${hydra:job.num}", "${run_name:${hydra:job.override_dirname}}"  # in hydra.sweep.subdir


def sweep_jobs(words: Sequence[str], file: Path) -> list[tuple[tuple[str, ...], str]]:
    """The words of every job of a sweep, and the job's name: `${run_name:${hydra:job.override_dirname}}`.

    Args:
        words: Overrides as Hydra reads them, without those of Hydra itself; commas part the values of a sweep.
        file: The command's file in conf/, which says what of the words makes the name.
    """
    choices, keys = [], []
    for override in OverridesParser.create().parse_overrides(list(words)):
        key = override.get_key_element()
        sweep = override.is_sweep_override()
        values = override.sweep_string_iterator() if sweep else [override.get_value_element_as_str()]
        choices.append([f"{key}={value}" for value in values])
        keys.append(override.key_or_group)
    how = yaml.safe_load(file.read_text(encoding="utf-8"))["hydra"]["job"]["config"]["override_dirname"]
    named = [key not in how["exclude_keys"] for key in keys]
    return [(job, _name([word for word, use in zip(job, named, strict=True) if use], how))
            for job in itertools.product(*choices)]


def _name(words: Sequence[str], how: dict[str, str]) -> str:
    return run_name(how["item_sep"].join(sorted(words)).replace("=", how["kv_sep"]))


@dataclass(frozen=True)
class Sweep:
    """A sweep of trainings as it was started last.

    Attributes:
        jobs: Names of the directories of its jobs, in their order.
        short: The same with what tells the jobs apart alone, as `squeue` shows them.
        words: Overrides that start it, without `hydra.sweep.dir`.
    """

    jobs: tuple[str, ...]
    short: tuple[str, ...]
    words: tuple[str, ...]


def read_sweep(folder: Path) -> Sweep | None:
    """The sweep of a directory; None where nothing there says it, as where a sweeper chooses the jobs one by one."""
    try:
        plan = read_yaml(folder / PLAN)["hydra"]
        task, own = plan["overrides"]["task"], plan["overrides"]["hydra"]
        if plan["job"]["config_name"] != "train" or not plan["sweeper"]["_target_"].endswith(".BasicSweeper"):
            return None
        of_sweeper = [f"{key}={value}" for key, value in (plan["sweeper"]["params"] or {}).items()]
        jobs = sweep_jobs(_last_of_each([*of_sweeper, *task]), CONF / "train.yaml")
        names = [plan["sweep"]["subdir"].replace(NUMBER, str(number)).replace(NAME, name)
                 for number, (_, name) in enumerate(jobs)]
        if any("${" in name for name in names):
            return None
        kept = [word for word in own if not word.startswith(("hydra.mode=", "hydra.sweep.dir="))]
        return Sweep(tuple(names), tuple(_short([job for job, _ in jobs])), (*kept, *task))
    except (DocumentError, HydraException, LookupError, TypeError, AttributeError, ValueError):
        return None


def _short(jobs: Sequence[Sequence[str]]) -> Iterator[str]:
    of_all = set(jobs[0]).intersection(*jobs)
    for number, words in enumerate(jobs):
        own = "+".join(word.replace("=", "-") for word in words if word not in of_all)
        yield f"{number}_{run_name(own)}" if own else str(number)


def _last_of_each(words: Sequence[str]) -> list[str]:
    """Of words that set the same key the last one, in the place of the first, as Hydra's sweeper has them."""
    last: dict[Any, str] = {}
    for word in words:
        last[word.partition("=")[0]] = word
    return list(last.values())
