import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from semsynth import runs
from semsynth.errors import ConfigError
from semsynth.machine import in_words
from semsynth.runs import claiming

HOLD = """
import sys, time
from omegaconf import OmegaConf
from semsynth.runs.claiming import claimed
with claimed(OmegaConf.create({"run_dir": sys.argv[1]})):
    print("claimed", flush=True)
    time.sleep(60)
"""


def cfg_of(run_dir):
    return OmegaConf.create({"run_dir": str(run_dir)})


def claimant(folder):
    """Another process that has claimed a folder."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(folder)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "claimed\n"
    return process


@pytest.fixture
def other_job(tmp_path):
    """Another process that has claimed `tmp_path/run`."""
    process = claimant(tmp_path / "run")
    yield process
    process.kill()
    process.wait()


def test_a_directory_in_use_is_refused_until_its_process_ends(tmp_path, other_job):
    with pytest.raises(ConfigError, match=rf"in use by process {other_job.pid} on "), runs.claimed(
            cfg_of(tmp_path / "run")):
        pytest.fail("claimed twice")
    assert (tmp_path / "run").is_dir()
    other_job.kill()  # leaves its file behind, and nothing that is in the way
    other_job.wait()
    assert (tmp_path / "run" / "in_use").exists()
    with runs.claimed(cfg_of(tmp_path / "run")):
        (tmp_path / "run" / "config.yaml").touch()
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["config.yaml"]


def test_what_a_link_leads_to_is_not_written(tmp_path):
    """A run directory can come from anybody."""
    (tmp_path / "run").mkdir()
    (tmp_path / "thesis").write_text("years of work")
    (tmp_path / "run" / "in_use").symlink_to(tmp_path / "thesis")
    with pytest.raises(ConfigError, match="in_use is a link"), runs.claimed(cfg_of(tmp_path / "run")):
        pytest.fail("claimed")
    assert (tmp_path / "thesis").read_text() == "years of work"


def test_a_job_that_slurm_has_started_again_waits_for_its_first_start(tmp_path, other_job, monkeypatch, capsys):
    def look(seconds):
        assert f"waits for the end of process {other_job.pid} on " in capsys.readouterr().out
        other_job.kill()
        other_job.wait()

    monkeypatch.setenv("SLURM_RESTART_COUNT", "1")
    monkeypatch.setattr(claiming.time, "sleep", look)
    with runs.claimed(cfg_of(tmp_path / "run")):
        assert other_job.returncode


def test_what_a_killed_job_had_half_written_is_cleared(tmp_path):
    """But not what may be written beside a training, such as scores."""
    (tmp_path / "checkpoints").mkdir()
    for name in ("checkpoints/last.ckpt.0123abcd.partial", "config.yaml.0123abcd.partial",
                 "scores.json.0123abcd.partial", "config.yaml"):
        (tmp_path / name).touch()
    with runs.claimed(cfg_of(tmp_path)):
        assert {p.name for p in tmp_path.rglob("*")} == {"checkpoints", "scores.json.0123abcd.partial",
                                                         "config.yaml", "in_use"}


@pytest.mark.parametrize("trained", [False, True])
@pytest.mark.parametrize("made_before", [False, True])
def test_a_start_that_fails_leaves_no_directory(tmp_path, trained, made_before):
    run_dir = tmp_path / "runs" / "run"
    if made_before:  # as Hydra makes those of a sweep
        run_dir.mkdir(parents=True)

    def start():
        with runs.claimed(cfg_of(run_dir)):
            (run_dir / "config.yaml").touch()
            if trained:
                (run_dir / "checkpoints").mkdir()
            sys.exit(2)

    with pytest.raises(SystemExit):
        start()
    assert run_dir.exists() == trained


def test_a_start_that_fails_leaves_the_claim_of_the_next_job(tmp_path, monkeypatch):
    """The next one may come while the directory of the first is being removed."""
    remove, jobs = shutil.rmtree, []

    def and_then_the_next(folder, **words):
        remove(folder, **words)
        jobs.append(claimant(folder))

    monkeypatch.setattr(shutil, "rmtree", and_then_the_next)
    try:
        with pytest.raises(RuntimeError, match="of the start"), runs.claimed(cfg_of(tmp_path / "run")):
            raise RuntimeError("of the start")
        with pytest.raises(ConfigError, match=rf"in use by process {jobs[0].pid} on "), runs.claimed(
                cfg_of(tmp_path / "run")):
            pytest.fail("claimed twice")
    finally:
        for job in jobs:
            job.kill()
            job.wait()


def test_what_was_there_before_stays(tmp_path):
    (tmp_path / "notes.txt").touch()
    with pytest.raises(SystemExit), runs.claimed(cfg_of(tmp_path)):
        sys.exit(2)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize(("name", "content"), [
    ("config.yaml", "a: project of one's own"), ("config.yaml", "[1, 2"), ("config.yaml", None), ("metrics.csv", None),
    ("finished", None), ("checkpoints/last.ckpt", None), ("checkpoints", "a file"), ("grids", "a file")])
def test_what_is_not_a_runs_is_not_written_over(tmp_path, name, content):
    place = tmp_path / name
    if content is None:  # a folder in the place of a file
        place.mkdir(parents=True)
    else:
        place.write_text(content)
    with pytest.raises(ConfigError, match=rf"{name}.*another run_dir"), runs.claimed(cfg_of(tmp_path)):
        pytest.fail("claimed")
    assert place.is_dir() if content is None else place.read_text() == content
    assert not (tmp_path / "in_use").exists()


def test_the_partial_files_of_others_stay(tmp_path):
    """As browsers leave them, in a folder that becomes a run directory."""
    others = tmp_path / "movie.part1.partial"
    others.touch()
    os.utime(others, (0, 0))
    with runs.claimed(cfg_of(tmp_path)):
        pass
    assert others.exists()


def test_where_no_folder_can_be_made_that_is_said():
    with pytest.raises(FileNotFoundError) as fault, runs.claimed(cfg_of("/proc/x")):
        pytest.fail("claimed")
    assert in_words(fault.value) == "/proc/x: no file can be made there: take another place"


def test_default_names_of_the_same_second_differ(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = "runs/2026-01-02_03-04-05_clade_scenes"
    first, second = cfg_of(name), cfg_of(name)
    with runs.claimed(first), runs.claimed(second):
        assert (first.run_dir, second.run_dir) == (name, f"{name}_2")
        Path(name, "config.yaml").touch()
    again = cfg_of(name)
    with runs.claimed(again, known=True):  # resume=DIR: the name is the run's own
        assert again.run_dir == name


def test_the_other_processes_of_a_run_claim_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("RANK", "1")
    with runs.claimed(cfg_of(tmp_path / "run")):
        assert not (tmp_path / "run").exists()
