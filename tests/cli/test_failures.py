"""What a sweep leaves of a job that fails."""

import pytest

from semsynth.cli import command
from semsynth.errors import ConfigError
from semsynth.runs.failures import failed_jobs, failure

FILE = """
a: 1
hydra:
  output_subdir: null
  run: {{dir: .}}
  sweep: {{dir: "{0}/sweep", subdir: "${{hydra:job.num}}"}}
  callbacks: {{failures: {{_target_: semsynth.cli.failures.NoteFailures}}}}
"""


def test_a_job_that_fails_says_why_until_it_begins_again(tmp_path, monkeypatch):
    wrong = {2: ConfigError("two is none"), 3: RuntimeError("a mistake")}

    def job(cfg):
        if cfg.a in wrong:
            raise wrong[cfg.a]

    (tmp_path / "tool.yaml").write_text(FILE.format(tmp_path))
    monkeypatch.setattr("sys.argv", ["tool.py", "-m", "a=1,2,3"])
    for _ in range(2):
        with pytest.raises((SystemExit, RuntimeError)):
            command(tmp_path / "tool.yaml")(job)()
    assert [failure(tmp_path / "sweep" / name) for name in "012"] == [None, "two is none", "RuntimeError: a mistake"]
    monkeypatch.setenv("SLURM_PROCID", "1")  # another process of the jobs, which ends since the first one has
    wrong[2] = RuntimeError("connection closed")
    with pytest.raises((SystemExit, RuntimeError)):
        command(tmp_path / "tool.yaml")(job)()
    assert failure(tmp_path / "sweep" / "1") == "two is none"
    monkeypatch.delenv("SLURM_PROCID")
    del wrong[2]
    with pytest.raises(RuntimeError):
        command(tmp_path / "tool.yaml")(job)()
    assert failed_jobs(tmp_path / "sweep") == ["2"]
    monkeypatch.setattr("sys.argv", ["tool.py", "a=3"])  # a training by itself says it where it was started
    with pytest.raises(RuntimeError):
        command(tmp_path / "tool.yaml")(job)()
    assert failed_jobs(tmp_path / "sweep") == ["2"]
    assert not (tmp_path / ".failed").exists()
