import subprocess
import sys
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from semsynth import runs
from semsynth.errors import ConfigError

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


@pytest.fixture
def other_job(tmp_path):
    """Another process that has claimed `tmp_path/run`."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path / "run")], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "claimed\n"
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


def test_what_was_there_before_stays(tmp_path):
    (tmp_path / "notes.txt").touch()
    with pytest.raises(SystemExit), runs.claimed(cfg_of(tmp_path)):
        sys.exit(2)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


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
