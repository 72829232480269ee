"""Train a segmentation network to judge generated images, and write it as one file.

    python tools/train_segmenter.py output=scenes.safetensors
    python tools/train_segmenter.py dataset=camvid size=96 output=camvid_segmenter.safetensors

The file says what it was trained on, with which command, and how well it segments the validation split; evaluate.py
takes it as segmenter=FILE. A PNG of the same name shows images, labels and predictions.
"""

import shlex
import sys
from pathlib import Path
from typing import Any

from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from rich.console import Console

from semsynth import config, runs
from semsynth.cli import command
from semsynth.errors import ConfigError

PARTS = ("dataset", "data", "network", "optimizer", "preprocessing", "geometric", "photometric", "system", "callbacks",
         "trainer")
DTYPES = ("float16", "float32")
SAMPLES = 12  # rows of the picture


def checked(cfg: DictConfig) -> DictConfig:
    """Complete and check the configuration before anything is built.

    Raises:
        ConfigError: names the key to change.
    """
    config.check_output(cfg, ".safetensors")
    if cfg.dtype not in DTYPES:
        raise ConfigError(f"dtype={cfg.dtype} must be {' or '.join(DTYPES)}")
    return config.prepare_part(cfg, PARTS, ("system",))


def write(cfg: DictConfig, network: Any, facts: dict[str, Any]) -> None:
    """Write the network to the output."""
    import torch

    from semsynth.segmenters.judge import save_judge

    plain: Any = OmegaConf.to_container(cfg.network)
    unknown, classes = cfg.dataset.unknown, list(cfg.dataset.classes)
    save_judge(
        cfg.output, network, {key: value for key, value in plain.items() if key[0] != "_"},
        name=cfg.name, classes=classes, preprocessing=instantiate(cfg.preprocessing, _convert_="all"), ignore=unknown,
        class_map=None if unknown is None else [None if c == unknown else c for c in range(len(classes))],
        dtype=getattr(torch, cfg.dtype), dataset=cfg.dataset.name, size=list(cfg.size), epochs=cfg.epochs,
        command=shlex.join(["python", "tools/train_segmenter.py", *sys.argv[1:]]), **facts,
    )


def report(cfg: DictConfig, data: Any, device: Any) -> dict[str, Any]:
    """Score the file as it was written, show the scores, draw the picture; return the scores as plain values."""
    from semsynth.evaluation.segmenter_report import grid, plain, score_real, table
    from semsynth.segmenters.judge import load_judge

    judge, real = load_judge(cfg.output), data.val_set
    scores = plain(score_real(judge, data.val_dataloader(), device), judge.classes, len(real))
    Console().print(table(scores, f"{cfg.name} on {cfg.dataset.name}, validation split"))
    count = min(SAMPLES, len(real))
    picture = grid(judge, (real[i * len(real) // count] for i in range(count)), [list(c) for c in cfg.dataset.colours])
    picture.save(Path(cfg.output).with_suffix(".png"))
    return scores


def run(cfg: DictConfig) -> None:
    from semsynth.training.supervised import fit

    trainer, system, data = runs.build_supervised(cfg)
    seconds = round(fit(trainer, system, data))
    if not trainer.is_global_zero:
        return
    write(cfg, system.network, {})
    scores = report(cfg, data, system.device)
    write(cfg, system.network, {"scores": scores, "seconds": seconds})
    size = Path(cfg.output).stat().st_size / 2**20
    print(f"segmenter: {cfg.output} ({size:.2f} MiB, {seconds} s of training)\n"
          f"picture: {Path(cfg.output).with_suffix('.png')}")


@command(Path(__file__).parents[1] / "conf" / "train_segmenter.yaml")
def main(cfg: DictConfig) -> None:
    run(checked(cfg))


if __name__ == "__main__":
    main()
