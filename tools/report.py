"""Compare runs: a table with the published numbers beside ours, and pictures.

    python tools/report.py runs=DIR_OR_GLOB output=DIR
    python tools/report.py 'runs=[multirun/scenes,runs/camvid_*]' wandb=true
"""

import logging
from pathlib import Path

import torch
from omegaconf import DictConfig, ListConfig
from tqdm.auto import tqdm

from semsynth import runs
from semsynth.cli import command
from semsynth.reporting import collect, wandb_report, wandb_send
from semsynth.reporting.groups import group_runs
from semsynth.reporting.report import write_report


def compare(cfg: DictConfig) -> None:
    patterns = [str(p) for p in cfg.runs] if isinstance(cfg.runs, ListConfig) else str(cfg.runs)
    found = collect.find_runs(patterns)
    groups = group_runs(collect.read_runs(tqdm(found, desc="reading", unit="run")))
    device = ("cuda" if torch.cuda.is_available() else "cpu") if cfg.device == "auto" else cfg.device
    report = write_report(groups, Path(cfg.output).expanduser(), runs.validation, samples=cfg.samples,
                          progress=lambda runs: tqdm(runs, desc="drawing", unit="run"), checkpoint=cfg.checkpoint,
                          weights=cfg.weights, device=device, seed=cfg.seed)
    print(*report.failed, *report.missing, sep="\n", end="\n" if report.failed or report.missing else "")
    if cfg.wandb:
        specification = wandb_report.specify(groups, report, cfg.project, cfg.entity, cfg.title)
        print(wandb_send.send_or_write(specification, report.folder))
    print(f"report: {report.page}")


@command(Path(__file__).parents[1] / "conf" / "report.yaml")
def main(cfg: DictConfig) -> None:
    """Compare."""
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    compare(cfg)


if __name__ == "__main__":
    main()
