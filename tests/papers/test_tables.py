"""Tables of scores and of costs."""

import csv

import pytest

from semsynth.papers.costs import Costs
from semsynth.papers.published import published_table
from semsynth.papers.results import Results
from semsynth.papers.scores import Scores
from semsynth.reporting.collect import Run


def config(norm, seed):
    node = {"_target_": f"semsynth.norms.{norm.lower()}.{norm}", "_partial_": True}
    return {"size": [256, 256], "batch": {"total": 8}, "epochs": 5, "seed": seed, "norm": node, "trainer": {},
            "dataset": {"name": "ade20k"}, "recipe": {"ngf": 64}, "generator": {"ngf": 64, "norm": node}}


def run(path, norm, seed, miou):
    scores = None if miou is None else {"scores": {"miou": miou, "accuracy": 0.5}, "protocol": {"name": "clade"}}
    return Run(path / f"{norm}{seed}", config(norm, seed), scores, None, 5)


def record(norm, seconds, formulation, dataset="ade20k"):
    setting = {"dataset": dataset, "norm": norm, "method": norm, "size": [256, 256], "ngf": 64}
    return {"count": "macs", "formulation": formulation, "setting": setting, "parameters": {"total": 7e7},
            "runtime": {"cpu_s": seconds, "median_s": seconds, "hardware": "a processor", "threads": 1, "batch": 1,
                        "precision": "32-true", "repeats": 3}}


def test_scores_stand_beside_the_published_ones(tmp_path):
    runs = [run(tmp_path, "SPADE", 0, 0.36), run(tmp_path, "SPADE", 1, 0.38), run(tmp_path, "CLADE", 0, 0.35),
            run(tmp_path, "CLADE", 1, None)]
    results = Results("t", tuple(runs), (), tmp_path)
    ours, printed = Scores("CLADE (arXiv:2012.04644) Table I", columns=["miou"])(results)
    assert ours.table.rows[0][0] == "spade"
    first = dict(zip(ours.table.head, ours.table.rows[0], strict=True))
    assert (first["n"], first["mIoU %"]) == ("2", "37.00 ± 1.41 (36.00 to 38.00)")
    assert "accuracy %" not in ours.table.head
    assert ours.table.rows[1][-1] == "36.28"  # Table I's SPADE right below ours
    unrounded = list(csv.DictReader(ours.table.unrounded.splitlines()))
    assert float(unrounded[0]["mIoU % std"]) == pytest.approx(1.41421356)
    assert float(unrounded[0]["accuracy %"]) == 50
    assert printed.table.rows[0][:2] == ["CC-FPSE", "ade20k"]
    assert len(printed.table.rows) == 21


def test_scores_that_could_not_be_had_are_told(tmp_path):
    """Else a table without FID and mIoU passes for complete: its runs are not scored again."""
    runs = [run(tmp_path, "SPADE", seed, 0.36) for seed in (0, 1)]
    for one in runs:
        one.scores["skipped"] = {"fid/train": "weights/a.pth is missing", "fid/val": "weights/a.pth is missing",
                                 "diversity/lpips": "weights/b.pth is missing"}
    told = Scores(samples=0)(Results("t", tuple(runs), (), tmp_path))[0].text
    assert told.count("Not taken on ade20k") == 2
    assert "- Not taken on ade20k: fid/train, fid/val (weights/a.pth is missing); `python evaluate.py" in told
    of_columns = Scores(columns=["miou", "fid/val"], samples=0)(Results("t", tuple(runs), (), tmp_path))[0].text
    assert "Not taken on ade20k: fid/val (weights/a.pth" in of_columns
    assert "lpips" not in of_columns


def test_published_tables_are_told_apart():
    """Table I is not Table IV, and the ending that tells two readings of a row apart is kept."""
    assert {row[0] for row in published_table("CLADE (arXiv:2012.04644) Table IV").rows} == {"spade-light", "clade"}
    assert len({row[0] for row in published_table("slides of Destro and Azam, Unpaired SPADE").rows}) == 5
    assert published_table("nobody") is None


def test_a_table_repeats_what_it_prints_of_another():
    """And no more: Table VII prints FID alone."""
    table = published_table("CLADE (arXiv:2012.04644) Table VII")
    assert table.head == ["setting", "data set", "size", "fid/train"]
    found = {(setting, dataset): float(fid) for setting, dataset, _, fid in table.rows}
    assert found == {
        ("clade", "ade20k"): 30.48, ("clade + disti", "ade20k"): 31.75, ("clade + distf", "ade20k"): 31.13,
        ("clade_icpe", "ade20k"): 28.69, ("clade", "ade20k_outdoor"): 46.37, ("clade + disti", "ade20k_outdoor"): 48.67,
        ("clade + distf", "ade20k_outdoor"): 46.81, ("clade_icpe", "ade20k_outdoor"): 45.59,
        ("clade", "cityscapes"): 50.62, ("clade + disti", "cityscapes"): 50.50, ("clade + distf", "cityscapes"): 48.07,
        ("clade_icpe", "cityscapes"): 42.39}


def test_costs_and_how_much_more_spade_costs_by_formulation(tmp_path):
    records = (record("spade", 4.8, "published"), record("clade", 2.0, "published"), record("spade", 1.2, "fast"),
               record("clade", 1.0, "fast"), record("spade", 9.0, "fast", "cityscapes"))
    costs, ratios = Costs(["CPU time (s)"], "CPU time (s)")(Results("t", (), records, tmp_path))
    assert costs.table.head == ["data set", "network", "formulation", "CPU time (s)", "published"]
    assert costs.table.rows[0] == ["ade20k", "spade", "published", "4.8", "4.104"]
    assert ratios.table.rows == [["ade20k", "published", "2.40", "2.40"], ["ade20k", "fast", "1.20", "2.40"]]


def test_a_grid_stays_where_its_checkpoints_were_deleted(tmp_path):
    runs = tuple(run(tmp_path, "SPADE", seed, 0.36) for seed in (0, 1))
    assert [section.heading for section in Scores()(Results("t", runs, (), tmp_path))] == ["Scores"]
    (tmp_path / "t_grid.png").write_bytes(b"drawn before")
    grid = Scores()(Results("t", runs, (), tmp_path))[-1]
    assert (grid.heading, grid.picture, grid.picture.read_bytes()) == (
        "The same label maps", tmp_path / "t_grid.png", b"drawn before")
