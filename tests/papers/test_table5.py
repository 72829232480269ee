"""Table V: the published votes with what they can say, and studies of our own below them."""

import shutil

import hydra.utils
import pytest
from raters import let_vote, plan, study_of, write_folders

from semsynth.errors import ReportError
from semsynth.papers.performing import perform
from semsynth.papers.request import asked_for
from semsynth.papers.results import Results
from semsynth.papers.table5 import CLADE_PREFERRED, PAIRS, USERS, Table5, published_lines


def test_every_printed_percentage_is_a_whole_number_of_votes():
    assert all(percent * PAIRS * USERS % 100 == 0 for row in CLADE_PREFERRED.values() for percent in row)


def test_published_votes_have_the_intervals_and_tests_that_follow_from_their_counts():
    lines = {(line[2], line[0]): line[3:] for line in published_lines()}
    assert lines["SPADE", "ade20k"] == ["48.4 (44.9 to 51.8)", "387 of 800", "0.377"]
    assert lines["SPADE", "ade20k_outdoor"][2] == "< 0.001"
    assert lines["SPADE", "coco_stuff"][2] == "0.005"
    assert lines["SPADE", "cityscapes"][2] == "0.061"
    assert lines["CLADE-ICPE", "coco_stuff"] == ["48.8 (45.3 to 52.2)", "390 of 800", "0.502"]
    assert {line[2] for key, line in lines.items() if key[0] != "SPADE" and key != ("CLADE-ICPE", "coco_stuff")} == {
        "< 0.001"}
    assert len(lines) == 12


def test_votes_of_our_own_stand_below(tmp_path):
    for name in ("ade20k", "camvid"):
        folder = study_of(write_folders(tmp_path / name), plan(pairs=12), title=name)
        let_vote(folder, 6, lambda rater, item: int(rater == 5))
    published, ours = Table5(str(tmp_path), draws=200)(Results("table5", (), (), tmp_path))
    assert published.heading == "As published"
    assert [row[:6] for row in ours.table.rows] == [
        [name, "ours", "theirs", "unlimited", "83.3 (73.1 to 90.2)", "60 of 72"] for name in ("ade20k", "camvid")]
    assert len(ours.table.unrounded.splitlines()) == 3
    assert "6 raters, 6 have finished" in ours.text


def test_a_copy_of_a_study_is_not_shown_as_another(tmp_path):
    folder = study_of(write_folders(tmp_path / "one"), plan())
    let_vote(folder, 2, lambda rater, item: 0)
    shutil.copytree(folder, tmp_path / "two" / "study")
    with pytest.raises(ReportError, match=r"two/study holds votes that .*one/study holds, too"):
        Table5(str(tmp_path))(Results("table5", (), (), tmp_path))


def test_damaged_votes_are_told(tmp_path):
    folder = study_of(write_folders(tmp_path), plan())
    (folder / "votes.jsonl").write_text("nothing\n")
    with pytest.raises(ReportError, match=r"votes\.jsonl, line 1"):
        Table5(str(tmp_path))(Results("table5", (), (), tmp_path))


def test_the_page_is_made_without_a_training(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    commands = []
    assert perform(asked_for(["experiments=table5", "study.folder=results"]), hydra.utils.instantiate, commands.append)
    page = (tmp_path / "results" / "table5.md").read_text()
    assert "| ade20k | CLADE | SPADE | 48.4 (44.9 to 51.8) | 387 of 800 | 0.377 |" in page
    assert "There are none below `preference/` yet" in page
    assert not commands
