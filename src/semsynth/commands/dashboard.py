"""Draw what W&B shows of runs, from the files that they keep offline: no account, no network.

    python tools/dashboard.py runs=DIR_OR_GLOB output=DIR
    python tools/dashboard.py runs=multirun/norms 'metrics=[score/miou,loss/generator/kl]'
"""

from pathlib import Path

from omegaconf import DictConfig

from semsynth.cli import command
from semsynth.config import listed
from semsynth.errors import ReportError
from semsynth.shipped import CONF


@command(CONF / "dashboard.yaml")
def main(cfg: DictConfig) -> None:
    """Read and draw."""
    from semsynth.reporting import dashboard
    from semsynth.reporting.collect import find_runs
    from semsynth.reporting.wandb_files import offline_files, read_offline

    found = find_runs([str(pattern) for pattern in listed(cfg.runs) or ()])
    kept = [run for folder in found if (files := offline_files(folder)) and (run := read_offline(files)).history]
    if not kept:
        raise ReportError(f"runs={cfg.runs}: no run has offline files of W&B (logger=wandb, logger.wandb.mode=offline)")
    folder = Path(cfg.output).expanduser()
    drawn = [dashboard.draw_runs(kept, folder / "runs.png"),
             dashboard.draw_curves(kept, folder / "curves.png", listed(cfg.metrics)),
             dashboard.draw_samples(kept, folder / "samples.png")]
    print(*(path for path in drawn if path is not None), sep="\n")
