"""Layouts: those of the papers, and those that make no study."""

import pytest
from commands import ROOT, composed
from hydra.utils import instantiate
from raters import plan

from semsynth.preference.plan import Plan

PRESETS = sorted(path.stem for path in (ROOT / "conf" / "preset").glob("*.yaml"))


def preset(name):
    return instantiate(composed("preference", f"preset={name}").preset)


def test_presets_are_the_papers():
    """Pairs and raters as printed: 40 x 20 votes, 500 x 5, pages of 100 + 10, pages of 3 x 7 x 5 + 5."""
    assert PRESETS == ["clade", "crn", "crn_timed", "spade"]
    clade, crn, timed, spade = map(preset, PRESETS)
    assert (clade.trials, clade.pages, clade.raters, clade.show_map, clade.sentinels) == (40, 1, 20, False, 0)
    assert (spade.trials * spade.pages, spade.raters, spade.show_map, spade.sentinels) == (500, 5, True, 0)
    assert (crn.trials, crn.pages, crn.pictures, crn.sentinels, crn.raters) == (110, 5, 500, 10, None)
    assert (timed.trials, timed.pages, timed.pictures, timed.sentinels) == (110, 10, 350, 5)
    assert (list(timed.times), timed.sentinel_time) == ([125, 250, 500, 1000, 2000, 4000, 8000], 4000)
    assert (spade.methods, crn.methods, timed.methods) == (("a", "b"), ("a", "b", "real"), ("a", "b", "real"))


@pytest.mark.parametrize(("changes", "words"), [
    ({"pairs": 0}, "pairs must be .* got 0"), ({"pages": 0}, "pages"), ({"raters": 0}, "raters"),
    ({"sentinels": -1}, "sentinels"), ({"comparisons": []}, "comparisons"), ({"comparisons": [["a", "a"]]}, "pairs of"),
    ({"comparisons": [["a", "c"]]}, r"\['a', 'c'\]"), ({"comparisons": [["a", "b"], ["b", "a"]]}, "must differ"),
    ({"times": [10]}, "30 to 60000 ms, got 10"), ({"times": []}, "times"), ({"times": [100, 100]}, "differ"),
    ({"sentinel_time": 0}, "got 0"), ({"pass_mark": 1.5}, "pass_mark"), ({"question": " "}, "question")])
def test_what_makes_no_study_is_named(changes, words):
    with pytest.raises(ValueError, match=words):
        plan(**changes)
    assert isinstance(plan(), Plan)
