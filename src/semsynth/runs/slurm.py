"""What a job of a sweep tells Slurm about itself."""

import subprocess
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf

from semsynth.runs.building import in_sweep
from semsynth.runs.ddp import is_first_process
from semsynth.runs.jobs import PLAN
from semsynth.runs.naming import run_name
from semsynth.training.signals import slurm_job


def name_job() -> None:
    """Have `squeue` tell the jobs of a sweep apart, which are submitted under one name, as in `rates/3_seed-1`.

    The name is that of the sweep's directory, then the job's number and what tells it from the others.
    """
    job = slurm_job()
    if job is None or not in_sweep() or not is_first_process():
        return
    hydra_cfg = HydraConfig.get()
    sweep = Path(hydra_cfg.sweep.dir)
    plan = sweep / PLAN  # Optuna's sweeper leaves none
    of_all = OmegaConf.load(plan).hydra.overrides.task if plan.is_file() else ()
    own = [word.replace("=", "-") for word in hydra_cfg.overrides.task if word not in of_all]
    name = f"{sweep.name}/{hydra_cfg.job.num}" + (f"_{run_name('+'.join(own))}" if own else "")
    subprocess.run(["scontrol", "update", f"JobId={job}", f"JobName={name}"], check=False, capture_output=True)
