"""The run directory: what training leaves, and rebuilding from it.

run_dir/
  config.yaml            the resolved configuration
  checkpoints/last.ckpt  and best.ckpt where a metric is monitored; *.safetensors where weights came from elsewhere
  metrics.csv  grids/*.png
  progress.json          how far training is
  in_use                 locked while a process trains here
  finished               the number of epochs, once they are trained
  wandb/  wandb.json     with logger=wandb
  tensorboard/           with logger=tensorboard
"""

from semsynth.runs.building import build, in_sweep, open_run, save_config, set_run_dir, validation
from semsynth.runs.claiming import claimed
from semsynth.runs.ddp import CHECKPOINT_VARIABLE, RUN_VARIABLE, handed_over_by_rank_zero, tell_other_processes
from semsynth.runs.directory import CHECKPOINTS, CONFIG, GRIDS, METRICS, PROGRESS, Run
from semsynth.runs.init_from import fresh_state, inherit, refuse_used, save_imported, warm_start
from semsynth.runs.measuring import measured
from semsynth.runs.naming import run_name
from semsynth.runs.resuming import (
    apply_changes,
    asked_to_resume,
    continue_where_possible,
    finished_before,
    resumed,
)
from semsynth.runs.searching import best_value
from semsynth.runs.supervised import arguments_of, save_segmenter, train_supervised
from semsynth.runs.together import together
from semsynth.runs.training import resume_training, start_training, train

__all__ = [
    "CHECKPOINTS",
    "CHECKPOINT_VARIABLE",
    "CONFIG",
    "GRIDS",
    "METRICS",
    "PROGRESS",
    "RUN_VARIABLE",
    "Run",
    "apply_changes",
    "arguments_of",
    "asked_to_resume",
    "best_value",
    "build",
    "claimed",
    "continue_where_possible",
    "finished_before",
    "fresh_state",
    "handed_over_by_rank_zero",
    "in_sweep",
    "inherit",
    "measured",
    "open_run",
    "refuse_used",
    "resume_training",
    "resumed",
    "run_name",
    "save_config",
    "save_imported",
    "save_segmenter",
    "set_run_dir",
    "start_training",
    "tell_other_processes",
    "together",
    "train",
    "train_supervised",
    "validation",
    "warm_start",
]
