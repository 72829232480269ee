import signal

import pytest
from omegaconf import OmegaConf

from semsynth import runs
from semsynth.runs.stopping import stoppable
from semsynth.training import signals


@pytest.mark.parametrize("signum", signals.SIGNALS, ids=lambda s: s.name)
@pytest.mark.parametrize("trained", [False, True])
def test_a_signal_before_training_is_answered_in_words(tmp_path, capfd, signum, trained):
    cfg, before = OmegaConf.create({"run_dir": str(tmp_path / "run"), "resume": None}), signal.getsignal(signum)
    if trained:
        (tmp_path / "run" / "checkpoints").mkdir(parents=True)
        (tmp_path / "run" / "checkpoints" / "last.ckpt").touch()
    with pytest.raises(SystemExit) as end, stoppable(cfg), runs.claimed(cfg, known=trained):
        signal.raise_signal(signum)
    assert end.value.code == 128 + signum
    way_on = f"go on with: python train.py resume={tmp_path}/run" if trained else "nothing of it was trained yet"
    assert f"Stopped by {signum.name}; {way_on}\n" in capfd.readouterr().err
    assert (tmp_path / "run").exists() == trained
    assert signal.getsignal(signum) == before


@pytest.mark.parametrize(("signum", "tasks", "code"), [
    (signal.SIGUSR1, "2", 0), (signal.SIGTERM, "1", 0), (signal.SIGTERM, "2", 128 + signal.SIGTERM)])
def test_under_slurm_a_run_that_can_go_on_is_put_back_in_the_queue(tmp_path, monkeypatch, signum, tasks, code):
    """But where srun ends it because another task has failed, which would fail again."""
    monkeypatch.setattr("semsynth.runs.stopping.requeue", lambda: True)
    for name, value in (("SLURM_STEP_NUM_TASKS", tasks), ("SLURM_PROCID", "0"), ("SLURM_LOCALID", "0")):
        monkeypatch.setenv(name, value)
    cfg = OmegaConf.create({"run_dir": str(tmp_path / "run"), "resume": "auto"})
    with pytest.raises(SystemExit) as end, stoppable(cfg):
        signal.raise_signal(signum)
    assert end.value.code == code
