"""The table of a study."""

import csv

import pytest
from PIL import Image
from raters import let_vote, plan, study_of, write_folders

from semsynth.preference.analysis import analyse, of_counts
from semsynth.preference.study import read_study
from semsynth.preference.tables import lines, p_value, page, rater_cells, vote_cells, write_analysis
from semsynth.preference.votes import read_votes


@pytest.fixture
def place(tmp_path):
    return write_folders(tmp_path)


def analysed(folder):
    study = read_study(folder)
    return study, analyse(study, read_votes(folder / "votes.jsonl"), draws=200)


def test_cells():
    assert vote_cells(of_counts(387, 800)) == ["48.4 (44.9 to 51.8)", "387 of 800", "0.377"]
    assert vote_cells(of_counts(760, 800))[2] == "< 0.001"
    assert rater_cells(of_counts(387, 800)) == ["-"] * 4
    assert [p_value(p) for p in (1.0, 0.0006, 0.0004)] == ["1.000", "0.001", "< 0.001"]


def test_the_page_and_its_csv(place):
    folder = study_of(place, plan(pairs=6, sentinels=3, raters=5), title="Gardens")
    let_vote(folder, 4, lambda rater, item: 0 if item.sentinel else rater % 2)
    study, found = analysed(folder)
    row, = lines(study, found.rows)
    assert row[:5] == ["ours", "theirs", "unlimited", "50.0 (31.4 to 68.6)", "12 of 24"]
    text = page(study, found)
    assert text.startswith("# Gardens\n\nAsked: Which?\n\n4 raters, 4 have finished of 5 wanted; the votes of 0 are")
    assert "| ours | theirs | unlimited | 50.0 (31.4 to 68.6) | 12 of 24 | 1.000 |" in text
    paths = write_analysis(study, found, place / "out")
    assert [path.name for path in paths] == ["analysis.md", "analysis.csv"]
    line, = csv.DictReader(paths[1].read_text().splitlines())
    assert (line["study"], line["chosen"], line["votes"], line["share"], line["time_ms"]) == (
        "Gardens", "12", "24", "0.5", "")
    assert float(line["bootstrap_low"]) < 0.5 < float(line["bootstrap_high"])


def test_several_times_are_drawn(place):
    folder = study_of(place, plan(comparisons=[["a", "real"], ["a", "b"]], pairs=2, times=[125, 1000, 8000]))
    let_vote(folder, 3, lambda rater, item: int(item.time_ms == 8000))
    paths = write_analysis(*analysed(folder), place / "out")
    assert paths[-1].name == "analysis.png"
    with Image.open(paths[-1]) as picture:
        assert min(picture.size) > 200
