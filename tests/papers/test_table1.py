"""Table I is complete: every row of the paper that names a network is trained, counted, and stands beside ours."""

from functools import partial

import pytest
from commands import composed
from hydra.utils import instantiate
from omegaconf import OmegaConf

from semsynth import runs
from semsynth.complexity.measure import Parts, count
from semsynth.complexity.published import TABLE_1, costs
from semsynth.complexity.setting import Options, facts
from semsynth.papers import steps, study
from semsynth.papers.results import Results
from semsynth.papers.scores import Scores
from semsynth.reporting.collect import Run
from semsynth.runs.jobs import sweep_jobs
from semsynth.shipped import CONF

STUDY = study.read_study("table1")
JOBS = [job for sweep in STUDY.measure
        for job, _ in sweep_jobs([f"{key}={value}" for key, value in sweep.items()], CONF / "complexity.yaml")
        if "formulation=fast" in job]
ROWS = {(row.dataset, row.method) for row in TABLE_1}
FURTHER = {("cityscapes", "cc_fpse"): 0.16}  # by as much the FLOPs are apart, where that is more than 0.1e9


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """(data set, method) -> the configuration that is measured."""
    found = {}
    for job in JOBS:
        cfg = runs.measured(composed("complexity", *job, f"run_dir={tmp_path_factory.mktemp('run')}"), Options.names())
        plain = OmegaConf.to_container(cfg, resolve=True)
        setting = facts(plain)
        found[setting["dataset"], setting["method"]] = plain
    return found


def test_every_row_is_measured(measured):
    assert measured.keys() == {row for row in ROWS if row[0] != "ade20k_outdoor"}  # whose costs are ade20k's


def test_rivals_are_counted_as_published(measured):
    """SPADE, CLADE and CLADE-ICPE are in tests/complexity/test_published.py."""
    rivals = {row for row in measured if row[1] in ("cc_fpse", "dagan", "pix2pixhd")}
    assert len(rivals) == 8
    for row in rivals:
        ours, theirs = count(Parts.of(measured[row], partial(instantiate, _convert_="all"))), costs(*row)
        assert ours["parameters"]["total"] / 1e6 == pytest.approx(theirs["parameters"], abs=0.051), row
        assert ours["macs_bias"]["total"] / 1e9 == pytest.approx(theirs["flops"], abs=FURTHER.get(row, 0.1)), row
        assert ours["macs"]["total"] < ours["macs_bias"]["total"] < 1.002 * ours["macs"]["total"]


def test_every_row_is_trained():
    jobs = [job for step in steps.steps_of(STUDY, steps.Place()) if step.kind == "train" for job in step.jobs]
    assert len(set(jobs)) == len(ROWS)
    for dataset, method in ROWS:
        assert any(job.parent.name == dataset and f"-{method}" in job.name for job in jobs), (dataset, method)


def test_rows_that_others_have_printed_stand_below(tmp_path):
    node = {"_target_": "semsynth.norms.clade.CLADE", "_partial_": True}
    config = {"size": [256, 256], "batch": {"total": 8}, "epochs": 5, "seed": 0, "norm": node, "trainer": {},
              "dataset": {"name": "ade20k"}, "recipe": {"ngf": 64}, "generator": {"ngf": 64, "norm": node}}
    scores = {"scores": {"miou": 0.35}, "protocol": {"name": "clade"}}
    printed = STUDY.output[0]["published"]
    sections = Scores(printed, samples=0)(Results("t", (Run(tmp_path, config, scores, None, 5),), (), tmp_path))
    assert [section.heading for section in sections] == ["Scores", "As published", f"As published by {printed[1]}"]
    assert {"SIMS", "CRN"} <= {row[0].split(",")[0] for row in sections[2].table.rows}
