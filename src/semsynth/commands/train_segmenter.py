"""Train a segmentation network to judge generated images, and write it as one file.

    python tools/train_segmenter.py output=scenes.safetensors
    python tools/train_segmenter.py dataset=camvid size=96 output=camvid_segmenter.safetensors

The file says what it was trained on, with which command, and how well it segments the validation split; evaluate.py
takes it as segmenter=FILE. A PNG of the same name shows images, labels and predictions.
"""

from pathlib import Path

from omegaconf import DictConfig

from semsynth import config, runs
from semsynth.cli import command
from semsynth.errors import ConfigError
from semsynth.shipped import CONF

PARTS = ("dataset", "data", "network", "optimizer", "preprocessing", "geometric", "photometric", "system", "callbacks",
         "trainer")
DTYPES = ("float16", "float32")


def checked(cfg: DictConfig) -> DictConfig:
    """Complete and check the configuration before anything is built.

    Raises:
        ConfigError: names the key to change.
    """
    config.check_output(cfg, ".safetensors")
    if cfg.dtype not in DTYPES:
        raise ConfigError(f"dtype={cfg.dtype} must be {' or '.join(DTYPES)}")
    return config.prepare_part(cfg, PARTS, ("system",))


def run(cfg: DictConfig) -> None:
    """Train, write the network, score the file as it was written, and write it with its scores."""
    from semsynth.evaluation.segmenter_report import report
    from semsynth.segmenters.judge import load_judge
    from semsynth.training.supervised import fit

    trainer, system, data = runs.build_supervised(cfg)
    seconds = round(fit(trainer, system, data))
    if not trainer.is_global_zero:
        return
    output, picture = Path(cfg.output), Path(cfg.output).with_suffix(".png")
    runs.save_segmenter(cfg, system.network)
    scores = report(load_judge(output), data, [list(c) for c in cfg.dataset.colours], picture,
                    f"{cfg.name} on {cfg.dataset.name}, validation split", system.device)
    runs.save_segmenter(cfg, system.network, scores=scores, seconds=seconds)
    print(f"segmenter: {output} ({output.stat().st_size / 2**20:.2f} MiB, {seconds} s of training)\npicture: {picture}")


@command(CONF / "train_segmenter.yaml")
def main(cfg: DictConfig) -> None:
    """Check and train."""
    run(checked(cfg))
