"""The jobs of a sweep, known before it is started."""

import itertools
from collections.abc import Sequence
from pathlib import Path

import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser

from semsynth.runs.naming import run_name


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
