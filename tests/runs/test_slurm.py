import pytest
from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf

from semsynth.runs import slurm


@pytest.mark.parametrize(("plan", "name"), [
    ("hydra: {overrides: {task: [epochs=2]}}", "rates/3_seed-1"),
    (None, "rates/3_epochs-2+seed-1"),  # Optuna's sweeper leaves none
])
def test_a_job_is_named_by_what_tells_it_from_the_others(plan, name, tmp_path, monkeypatch):
    (tmp_path / "rates").mkdir()
    if plan:
        (tmp_path / "rates" / "multirun.yaml").write_text(plan)
    job = OmegaConf.create({"sweep": {"dir": f"{tmp_path}/rates"}, "job": {"num": 3},
                            "overrides": {"task": ["epochs=2", "seed=1"]}})
    called = []
    monkeypatch.setattr(HydraConfig, "get", lambda: job)
    monkeypatch.setattr(slurm, "in_sweep", lambda: True)
    monkeypatch.setattr(slurm, "slurm_job", lambda: "12_3")
    monkeypatch.setattr(slurm.subprocess, "run", lambda command, **_: called.append(command))
    slurm.name_job()
    assert called == [["scontrol", "update", "JobId=12_3", f"JobName={name}"]]
