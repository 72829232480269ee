"""Train the network that reads time of day, haze and hue off pictures of `scenes`, and write it as one file.

    python tools/train_style_regressor.py output=scenes_style.safetensors

The file says with which command it was made and how well it reads held-out scenes (R^2 of each variable).
"""

from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from semsynth import config, runs
from semsynth.cli import command
from semsynth.errors import ConfigError
from semsynth.shipped import CONF
from semsynth.spelling import started_as

PARTS = ("dataset", "data", "regressor", "optimizer", "photometric", "system", "callbacks", "trainer")


def checked(cfg: DictConfig) -> DictConfig:
    """Complete and check the configuration before anything is built.

    Raises:
        ConfigError: names the key to change.
    """
    config.check_output(cfg, ".safetensors")
    if cfg.dataset.name != "scenes":
        raise ConfigError(f"dataset={cfg.dataset.name} has no style variables: take dataset=scenes")
    return config.prepare_part(cfg, PARTS, ("system",))


def run(cfg: DictConfig) -> None:
    """Train, write the network, score the file as it was written, and write it with its scores."""
    from semsynth.metrics.style_regressor import held_out_r2, load_style_regressor, save_style_regressor
    from semsynth.training.supervised import fit

    trainer, system, data = runs.build_supervised(cfg)
    seconds = round(fit(trainer, system, data))
    if not trainer.is_global_zero:
        return
    facts: dict[str, Any] = {"arguments": runs.arguments_of(cfg.regressor), "dataset": "scenes", "size": list(cfg.size),
                             "seconds": seconds, "command": started_as("train_style_regressor")}
    save_style_regressor(cfg.output, system.network, **facts)
    r2, images = held_out_r2(load_style_regressor(cfg.output), data.val_dataloader()), len(data.val_set)
    save_style_regressor(cfg.output, system.network, scores={"r2": r2, "images": images}, **facts)
    print(f"R^2 on {images} held-out scenes: {', '.join(f'{name} {value:.3f}' for name, value in r2.items())}")
    print(f"style regressor: {cfg.output} ({Path(cfg.output).stat().st_size / 2**20:.2f} MiB, {seconds} s of training)")


@command(CONF / "train_style_regressor.yaml")
def main(cfg: DictConfig) -> None:
    """Check and train."""
    run(checked(cfg))
