"""Train a segmentation network to judge generated images, and write it as one file.

    python tools/train_segmenter.py output=scenes.safetensors
    python tools/train_segmenter.py dataset=camvid size=96 output=camvid_segmenter.safetensors

The file says what it was trained on, with which command, and how well it segments the validation split; evaluate.py
takes it as segmenter=FILE. A PNG of the same name shows images, labels and predictions.
"""

from functools import partial
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from semsynth import config, runs
from semsynth.cli import command
from semsynth.shipped import CONF

PARTS = ("dataset", "data", "network", "optimizer", "preprocessing", "geometric", "photometric", "system", "callbacks",
         "trainer")


def checked(cfg: DictConfig) -> DictConfig:
    """Complete and check the configuration before anything is built.

    Raises:
        ConfigError: names the key to change.
        DataError: the data are not where they are looked for.
    """
    config.check_output(cfg, ".safetensors")
    config.check_sources(cfg)
    return config.prepare_part(cfg, PARTS, ("system",), "train_segmenter")


def run(cfg: DictConfig) -> None:
    """Train a segmenter, and show how it segments the validation split."""
    from semsynth.evaluation.segmenter_report import report
    from semsynth.segmenters.judge import load_judge

    def score(system: Any, data: Any) -> Any:
        picture = Path(cfg.output).with_suffix(".png")
        scores = report(load_judge(cfg.output), data, [list(c) for c in cfg.dataset.colours], picture,
                        f"{cfg.name} on {cfg.dataset.name}, validation split", system.device)
        print(f"picture: {picture}")
        return scores

    runs.train_supervised(cfg, "segmenter", partial(runs.save_segmenter, cfg), score)


@command(CONF / "train_segmenter.yaml")
def main(cfg: DictConfig) -> None:
    """Check and train."""
    run(checked(cfg))
