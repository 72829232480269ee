"""Compare runs: a table with the published numbers beside ours, and pictures.

    python tools/report.py runs=DIR_OR_GLOB output=DIR
    python tools/report.py 'runs=[multirun/scenes,runs/camvid_*]' wandb=true
    python tools/report.py status=multirun/NAME            how the jobs of a sweep are, without reading weights
"""

import logging
from pathlib import Path

from omegaconf import DictConfig

from semsynth import runs
from semsynth.cli import command
from semsynth.config import listed
from semsynth.shipped import CONF


def compare(cfg: DictConfig) -> None:
    """Read the runs, write the report, and send it where that is asked for."""
    from tqdm.auto import tqdm

    from semsynth.device import chosen_device
    from semsynth.reporting import collect, wandb_report, wandb_send
    from semsynth.reporting.groups import group_runs
    from semsynth.reporting.report import write_report

    found = collect.find_runs([str(pattern) for pattern in listed(cfg.runs) or ()])
    groups = group_runs(collect.read_runs(tqdm(found, desc="reading", unit="run")))
    report = write_report(groups, Path(cfg.output).expanduser(), runs.validation, samples=cfg.samples,
                          progress=lambda runs: tqdm(runs, desc="drawing", unit="run"), checkpoint=cfg.checkpoint,
                          weights=cfg.weights, device=chosen_device(cfg.device), seed=cfg.seed)
    print(*report.failed, *report.missing, sep="\n", end="\n" if report.failed or report.missing else "")
    if cfg.wandb:
        specification = wandb_report.specify(groups, report, cfg.project, cfg.entity, cfg.title)
        print(wandb_send.send_or_write(specification, report.folder))
    print(f"report: {report.page}")


@command(CONF / "report.yaml")
def main(cfg: DictConfig) -> None:
    """Compare, or say how a sweep is."""
    if cfg.status is not None:
        from semsynth.reporting.status import status

        return print(status(Path(cfg.status).expanduser()))
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    compare(cfg)
