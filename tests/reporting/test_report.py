
import numpy as np
import pytest
from commands import composed
from PIL import Image

from semsynth import config, runs
from semsynth.commands.report import compare
from semsynth.errors import ReportError
from semsynth.reporting.collect import find_runs, read_run, read_runs
from semsynth.reporting.figures import distance_key
from semsynth.reporting.groups import group_runs
from semsynth.reporting.pictures import draw_comparison, draw_run
from semsynth.reporting.report import notes, write_report
from semsynth.training import launch

SMALL = ["size=32", "generator.ngf=4", "discriminator.ndf=4", "batch=2", "data.num_workers=0",
         "dataset.train_length=4", "dataset.val_length=3", "trainer=smoke", "trainer.limit_val_batches=0",
         "logger=csv", "trainer.accelerator=cpu"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Two runs of two batches; only one reads offsets, only one has an encoder."""
    folders = []
    for number, overrides in enumerate((["norm=clade_icpe", "encoder.nef=4"], ["norm=spade", "encoder=none"])):
        folder = tmp_path_factory.mktemp("trained") / f"run{number}"
        cfg = config.prepare(composed("train", *SMALL, *overrides, f"run_dir={folder}"))
        runs.save_config(cfg)
        trainer, system, data = runs.build(cfg)
        launch.fit(trainer, system, data, None)
        folders.append(folder)
    return folders


def groups_of(*folders):
    return group_runs(read_runs(folders))


def test_the_same_label_maps_across_runs(trained, tmp_path):
    columns = [(run.name, run) for run in read_runs(trained)]
    path = draw_comparison(columns, runs.validation, tmp_path / "grid.png", samples=2)
    assert [p.name for p in tmp_path.iterdir()] == ["grid.png"]
    labels, real, fake = draw_run(columns[0][1], runs.validation, 2)
    assert (labels.shape, real.shape, fake.shape) == ((2, 32, 32), (2, 3, 32, 32), (2, 3, 32, 32))
    grid = np.asarray(Image.open(path))
    colours = np.asarray(columns[0][1].config["dataset"]["colours"])
    side = 128  # 32 pixels, enlarged
    assert np.array_equal(grid[16:16 + side:4, 4:4 + side:4], colours[labels[0]])
    made = grid[16:16 + side:4, 4 + 2 * (side + 4):4 + 2 * (side + 4) + side:4]
    assert np.array_equal(made, ((fake[0].clip(-1, 1) + 1) * 127.5).round().transpose(1, 2, 0))
    assert np.array_equal(draw_run(columns[1][1], runs.validation, 2)[0], labels)
    assert np.array_equal(draw_run(columns[1][1], runs.validation, 2)[2],
                          draw_run(columns[1][1], runs.validation, 2)[2])


def test_other_label_maps_are_refused(trained, tmp_path):
    columns = [(run.name, run) for run in read_runs(trained)]
    moved = read_run(trained[1])
    moved.config["dataset"]["val"]["seed"] = 7
    with pytest.raises(ReportError, match="do not validate on the same label maps"):
        draw_comparison([columns[0], ("moved", moved)], runs.validation, tmp_path / "grid.png", samples=2)
    assert not list(tmp_path.iterdir())


def test_a_report_of_a_sweep(make_run, tmp_path, monkeypatch):
    for k in (0, 4, 7):
        make_run(f"mixed{k}", make_run.config(k), {"miou": 0.5 + k / 100, "fid/train": 50.0 + k},
                 make_run.complexity(0.02 + k / 1000))
    make_run("late", make_run.config("SPADE"))
    output = tmp_path / "out"
    report = write_report(group_runs(read_runs(find_runs(str(tmp_path / "runs")))), output, None)
    assert sorted(p.name for p in output.iterdir()) == ["comparison.csv", "comparison.md", "runtime_scenes_32x32.png",
                                                        "transitions_scenes_32x32.png"]
    assert all(np.asarray(Image.open(picture)).std() > 0 for picture in report.pictures.values())
    text = report.page.read_text()
    assert "| mixed transition 4 | scenes | 32x32 | 5 | 1 | 54.00 | 54.00 |" in text
    assert "](transitions_scenes_32x32.png)" in text
    assert "- Times: device cpu, threads 1, batch 1" in text
    assert "No costs of spade: `python tools/complexity.py run=DIR`" in text
    assert report.missing == [f"{tmp_path}/runs/late (in epoch 2 of 5): holds no checkpoint yet"]
    assert report.missing[0] in text


def test_pictures_that_cannot_be_drawn_leave_the_table(make_run, tmp_path):
    folder = make_run("a", make_run.config(dataset__val={}), {"miou": 0.5})
    (folder / "checkpoints").mkdir()
    (folder / "checkpoints" / "other.ckpt").touch()
    report = write_report(groups_of(folder), tmp_path / "out", None)
    assert report.failed == [f"No grid of scenes 32x32: checkpoint=auto: no such checkpoint in {folder}/checkpoints "
                             f"(there are: other)"]
    assert report.failed[0] in report.page.read_text()


def test_what_differs_between_scores_is_said(make_run):
    folders = [make_run(f"a{seed}", make_run.config(seed=seed), {"miou": 0.5}, make_run.complexity(),
                        {"weights": weights, "checkpoint": {"file": "last.ckpt", "sha256": f"{seed}"}})
               for seed, weights in enumerate(("ema", "raw"))]
    lines = notes(groups_of(*folders))
    assert lines[0] == 'The scores on scenes differ in weights: "ema" (clade, seed 0); "raw" (clade, seed 1)'
    assert len(lines) == 2


def test_the_distance_that_most_have(make_run):
    folders = [make_run("a", make_run.config("SPADE"), {"fid/val": 1, "frechet/scenes": 1, "fid/train": 1}),
               make_run("b", make_run.config("CLADE"), {"frechet/scenes": 1})]
    assert distance_key(groups_of(*folders)) == "frechet/scenes"
    assert distance_key(groups_of(folders[0])) == "fid/train"
    assert distance_key([]) is None


def test_the_command(trained, tmp_path, capsys, monkeypatch):
    for key in ("WANDB_API_KEY", "WANDB_MODE"):
        monkeypatch.delenv(key, raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "none"))
    compare(composed("report", f"runs=[{trained[0]},{trained[1]}]", f"output={tmp_path}/out", "samples=1",
                             "wandb=true"))
    out = capsys.readouterr().out.splitlines()
    assert out == [f"{trained[1]}: python evaluate.py run={trained[1]}",
                   f"{trained[0]}: python evaluate.py run={trained[0]}",
                   f"No W&B account (wandb login, or WANDB_API_KEY): {tmp_path}/out/wandb_report.json holds what would "
                   f"be sent", f"report: {tmp_path}/out/comparison.md"]
    assert (tmp_path / "out" / "grid_scenes_32x32.png").is_file()
