"""Draw what W&B shows of runs, from the files that they keep offline: no account, no network.

    python tools/dashboard.py runs=DIR_OR_GLOB output=DIR
    python tools/dashboard.py runs=multirun/norms 'metrics=[score/miou,loss/generator/kl]'
"""

from pathlib import Path

from omegaconf import DictConfig, ListConfig

from semsynth.cli import command
from semsynth.errors import ReportError
from semsynth.reporting import dashboard
from semsynth.reporting.collect import find_runs
from semsynth.reporting.wandb_files import offline_files, read_offline


@command(Path(__file__).parents[1] / "conf" / "dashboard.yaml")
def main(cfg: DictConfig) -> None:
    """Read and draw."""
    found = find_runs([str(p) for p in cfg.runs] if isinstance(cfg.runs, ListConfig) else str(cfg.runs))
    kept = [run for folder in found if (files := offline_files(folder)) and (run := read_offline(files)).history]
    if not kept:
        raise ReportError(f"runs={cfg.runs}: no run has offline files of W&B (logger=wandb, logger.wandb.mode=offline)")
    folder = Path(cfg.output).expanduser()
    metrics = None if cfg.metrics is None else [cfg.metrics] if isinstance(cfg.metrics, str) else list(cfg.metrics)
    drawn = [dashboard.draw_runs(kept, folder / "runs.png"),
             dashboard.draw_curves(kept, folder / "curves.png", metrics),
             dashboard.draw_samples(kept, folder / "samples.png")]
    print(*(path for path in drawn if path is not None), sep="\n")


if __name__ == "__main__":
    main()
