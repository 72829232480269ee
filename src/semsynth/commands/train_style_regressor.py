"""Train the network that reads time of day, haze and hue off pictures of `scenes`, and write it as one file.

    python tools/train_style_regressor.py output=scenes_style.safetensors

The file says with which command it was made and how well it reads held-out scenes (R^2 of each variable).
"""

from functools import partial
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
        DataError: the data are not where they are looked for.
    """
    config.check_output(cfg, ".safetensors")
    if cfg.dataset.name != "scenes":
        raise ConfigError(f"dataset={cfg.dataset.name} has no style variables: take dataset=scenes")
    config.check_sources(cfg)
    return config.prepare_part(cfg, PARTS, ("system",), "train_style_regressor")


def run(cfg: DictConfig) -> None:
    """Train a regressor, and say how it reads held-out scenes."""
    from semsynth.metrics.style_regressor import held_out_r2, load_style_regressor, save_style_regressor

    def score(system: Any, data: Any) -> dict[str, Any]:
        r2, images = held_out_r2(load_style_regressor(cfg.output), data.val_dataloader()), len(data.val_set)
        print(f"R^2 on {images} held-out scenes: {', '.join(f'{name} {value:.3f}' for name, value in r2.items())}")
        return {"r2": r2, "images": images}

    save = partial(save_style_regressor, cfg.output, arguments=runs.arguments_of(cfg.regressor), dataset="scenes",
                   size=list(cfg.size), command=started_as("train_style_regressor"))
    runs.train_supervised(cfg, "style regressor", save, score)


@command(CONF / "train_style_regressor.yaml")
def main(cfg: DictConfig) -> None:
    """Check and train."""
    run(checked(cfg))
