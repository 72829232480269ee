import csv
from pathlib import Path

import pytest

from semsynth.reporting.collect import find_runs, read_runs
from semsynth.reporting.groups import group_runs, statistic
from semsynth.reporting.published import CLADE, INADE_PAPER, OASIS_PAPER, ROWS, SEAN_PAPER, SLIDES, SPADE, published_for
from semsynth.reporting.table import comma_separated, make_rows, markdown
from semsynth.segmenters.class_maps import CLASS_MAPS

CONF = Path(__file__).parents[2] / "conf"


def groups_in(folder):
    return group_runs(read_runs(find_runs(str(folder))))


def test_seeds_are_grouped_with_mean_spread_and_number(make_run, tmp_path):
    for seed, miou in ((0, 0.50), (1, 0.56), (2, 0.53)):
        make_run(f"clade{seed}", make_run.config(seed=seed), {"miou": miou, "fid/train": 60 + seed},
                 make_run.complexity(0.02))
    make_run("clade3", make_run.config(seed=3))  # not evaluated
    make_run("spade", make_run.config("SPADE"), {"miou": 0.4, "frechet/scenes": 3.0, "kid/val": 0.01})
    spade, clade = groups_in(tmp_path)
    assert (spade.name, clade.name, len(clade.runs), clade.scored) == ("spade", "clade", 4, 3)
    statistic = clade.score("miou")
    assert (statistic.low, statistic.high, statistic.count) == (0.50, 0.56, 3)
    assert (statistic.mean, statistic.deviation) == (pytest.approx(0.53), pytest.approx(0.03))
    lines = markdown(make_rows([spade, clade])).splitlines()
    assert lines[0] == ("| setting | data set | size | epochs | n | fid/train | kid/val | frechet/scenes | mIoU % | "
                        "parameters M | FLOPs G | s / image | training memory GB |")
    assert lines[2] == "| spade | scenes | 32x32 | 5 | 1 | - | 0.0100 | 3.00 | 40.00 | - | - | - | - |"
    assert lines[3] == ("| clade | scenes | 32x32 | 5 | 3 | 61.00 ± 1.00 (60.00 to 62.00) | - | - | "
                        "53.00 ± 3.00 (50.00 to 56.00) | "
                        "5.00 | 2.00 | 0.0200 | 0.50 |")


def test_csv_is_unrounded_and_says_where_from(make_run, tmp_path):
    make_run("a", make_run.config("SPADE", dataset="ade20k_outdoor", size=(256, 256)), {"miou": 1 / 3})
    rows = list(csv.DictReader(comma_separated(make_rows(groups_in(tmp_path))).splitlines()))
    assert [row["source"] for row in rows] == ["ours", f"{CLADE} Table I",
                                               f"{CLADE} Table II, one thread of a Xeon Gold 6148", SPADE]
    assert float(rows[0]["mIoU %"]) == pytest.approx(100 / 3, abs=1e-12)
    assert [rows[i]["mIoU %"] for i in (1, 3)] == ["19.3", "30.8"]  # the sources disagree
    assert rows[0]["n"] == "1"
    assert (rows[0]["mIoU % std"], rows[0]["mIoU % max"]) == ("", rows[0]["mIoU %"])  # one run has no deviation
    assert rows[1]["n"] == ""


def test_settings_of_one_name_are_told_apart(make_run, tmp_path):
    make_run("a", make_run.config(batch__total=8), {})
    make_run("b", make_run.config(batch__total=4), {})
    make_run("c", make_run.config(epochs=50), {})  # the column says it
    assert [group.name for group in groups_in(tmp_path)] == ["clade", "clade [batch.total=4]", "clade [batch.total=8]"]


def test_pictures_of_somebody_are_a_row(make_run, tmp_path):
    make_run("pix2pixHD", scores={"miou": 0.3})
    (row,) = make_rows(groups_in(tmp_path))
    assert (row.setting, row.size, row.epochs, row.seeds) == ("pix2pixHD", None, None, 1)


def test_published_numbers_have_a_source_and_a_protocol():
    for row in ROWS:
        assert row.source.startswith((CLADE, SPADE, SLIDES, OASIS_PAPER, SEAN_PAPER, INADE_PAPER))
        assert row.scores or row.costs
        assert ("fid/val" if row.source.startswith((CLADE, SEAN_PAPER)) else "fid/train") not in row.scores
    assert len({(row.source, row.dataset, row.setting) for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize(
    ("dataset", "setting", "tables"),
    [("cityscapes", "clade", ["I", "II"]), ("cityscapes", "spade-light", ["IV"]), ("ade20k", "clade + distf", ["VII"]),
     ("ade20k_outdoor", "mixed transition 6", ["VI"]), ("coco_stuff", "clade_icpe", ["I"]), ("scenes", "clade", [])],
)
def test_published_rows_of_a_setting(dataset, setting, tables):
    rows = published_for(dataset, setting)
    assert [row.source.split("Table ")[1].split(",")[0] for row in rows] == tables
    assert all(row.size == ((256, 512) if dataset == "cityscapes" else (256, 256)) for row in rows)


def test_published_rows_of_our_size_come_first():
    """Unpaired SPADE's 64x64 rows stand beside runs of 64x64; others have the papers' usual size beside them."""
    assert {row.source for row in published_for("ade20k", "spade", (64, 64))} == {f"{SLIDES}, Unpaired SPADE"}
    for size in ((256, 256), (128, 128), None):
        assert {row.size for row in published_for("ade20k", "spade", size)} == {(256, 256)}
    (row,) = published_for("ade20k", "spade, as released, untrained S", (128, 128))
    assert row.scores == {"miou": 29.54, "accuracy": 59.73, "fid/val": 83.67, "segmenter/miou": 26.76,
                          "segmenter/accuracy": 57.27}


def test_oasis_stands_beside_its_own_row_alone():
    (row,) = published_for("cityscapes", "OASIS")
    assert row.scores == {"miou": 69.3, "fid/val": 47.7}
    assert published_for("cityscapes", "OASIS clade") == []


def test_the_slides_rows_stand_under_both_readings():
    """Headed unpaired, released with pairs: the slides do not say which it was."""
    for segmenter in ("pretrained", "untrained"):
        with_pairs, without = (published_for("ade20k", f"spade, {reading}, {segmenter} S", (64, 64))
                               for reading in ("as released", "unpaired"))
        assert [row.scores for row in with_pairs] == [row.scores for row in without] != []
        assert "if trained with pairs" in with_pairs[0].source
        assert "if trained without pairs" in without[0].source


def test_one_name_for_a_data_set():
    """Published rows, the choices of dataset= and the segmenters' class maps call a data set alike."""
    there = {path.stem for path in (CONF / "dataset").glob("*.yaml")}
    assert {row.dataset for row in ROWS} <= there
    assert {*CLASS_MAPS} - there == {"ade20k_turned", "voc"}  # of networks that answer in other classes


def test_scores_of_a_runs_own_segmenter_are_columns(make_run, tmp_path):
    scores = {"agreement/miou": 0.9, "segmenter/miou_rare": 0.1, "segmenter/miou": 0.2, "miou_rare": 0.3, "miou": 0.4,
              "diversity/x": 0.5}
    make_run("a", make_run.config(), scores)
    head, _, line = markdown(make_rows(groups_in(tmp_path))).splitlines()
    assert head.endswith("| mIoU % | mIoU % of rare classes | diversity/x | S: mIoU % | S: mIoU % of rare classes | "
                         "S on fakes: mIoU % |")
    assert line.endswith("| 40.00 | 30.00 | 0.500 | 20.00 | 10.00 | 90.00 |")


def test_a_statistic_of_equal_numbers_is_that_number():
    assert statistic([0.023] * 3).mean == statistic([0.023] * 3).low == 0.023
    assert statistic([1, None, "x", float("nan"), 3]).mean == 2
    assert statistic([None]) is None
