"""What a table of costs says beside its numbers."""

from semsynth.papers.costs import _drift


def record(dataset, seconds):
    return {"setting": {"dataset": dataset}, "runtime": {"backbone_s": seconds}}


def test_rows_of_the_same_work_say_how_far_the_machine_changed():
    records = [record("a", 1.0), record("b", 9.0), record("a", 1.5), record("b", 10.0), record("c", 50.0),
               record("a", None), {"setting": {"dataset": "a"}, "runtime": None}]
    (words,) = _drift(records)
    assert "up to 1.50 times" in words
    assert _drift(records[3:]) == []
