"""The defaults of signatures are values that a yaml spells for them, so that code and commands mean the same."""

import inspect
from collections import defaultdict

import pytest
import yaml
from commands import ROOT
from hydra.utils import get_object

DIFFERENT = {  # alone they do less than in a run
    ("semsynth.data.ade20k_outdoor.ADE20KOutdoor", "exclude_area"),
    ("semsynth.training.ema.EMA", "recalibrate_batches"),
    ("semsynth.semantics.icpe.Offsets", "enabled"),  # auto, until the norm is known
    ("semsynth.training.photometric.RandomZoom", "zoom"),
}


def nodes(value):
    """Those of classes and functions of this project."""
    if isinstance(value, dict):
        if str(value.get("_target_")).startswith("semsynth."):
            yield value
        value = list(value.values())
    for part in value if isinstance(value, list) else ():
        yield from nodes(part)


def spelled():
    """The plain values by part of the package and by (target, key)."""
    found = defaultdict(lambda: defaultdict(list))
    of_sets = [yaml.safe_load(path.read_text()) for path in (ROOT / "conf" / "dataset").glob("*.yaml")]
    for path in sorted((ROOT / "conf").rglob("*.yaml")):
        for node in nodes(yaml.safe_load(path.read_text())):
            for key, value in node.items():
                values = [value]
                if value == f"${{dataset.{key}}}":
                    values = [of_set[key] for of_set in of_sets if key in of_set]
                if key not in ("_target_", "_partial_"):
                    found[node["_target_"].split(".")[1]][node["_target_"], key] += values
    return found


SPELLED = spelled()


@pytest.mark.parametrize("part", sorted(SPELLED))
def test_a_default_is_what_a_yaml_spells(part):
    for (target, key), values in SPELLED[part].items():
        parameter = inspect.signature(get_object(target)).parameters.get(key)
        plain = [value for value in values if "${" not in str(value)]
        if parameter is None or parameter.default is parameter.empty or not plain or (target, key) in DIFFERENT:
            continue
        default = parameter.default
        assert (list(default) if isinstance(default, tuple) else default) in plain, (target, key)


def test_what_differs_is_there():
    assert all(pair in SPELLED[pair[0].split(".")[1]] for pair in DIFFERENT)
