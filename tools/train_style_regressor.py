"""Train the network that reads time of day, haze and hue off pictures of `scenes`, and write it as one file.

    python tools/train_style_regressor.py output=scenes_style.safetensors

The file says with which command it was made and how well it reads held-out scenes (R^2 of each variable).
"""

import shlex
import sys
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from semsynth import config, runs
from semsynth.cli import command
from semsynth.errors import ConfigError

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


def held_out_r2(path: str, data: Any) -> dict[str, float]:
    """R^2 of the written regressor on the validation split."""
    import torch

    from semsynth.metrics.style_recovery import STYLES, r_squared
    from semsynth.metrics.style_regressor import load_style_regressor

    regressor = load_style_regressor(path)
    read, truth = zip(*((regressor.predict(b["image"]), b["style"]) for b in data.val_dataloader()), strict=True)
    values = r_squared(torch.cat(truth), torch.cat(read)).tolist()
    return {name: round(value, 4) for name, value in zip(STYLES, values, strict=True)}


def run(cfg: DictConfig) -> None:
    from semsynth.metrics.style_regressor import save_style_regressor
    from semsynth.training.supervised import fit

    trainer, system, data = runs.build_supervised(cfg)
    seconds = round(fit(trainer, system, data))
    if not trainer.is_global_zero:
        return
    plain: Any = OmegaConf.to_container(cfg.regressor)
    facts: dict[str, Any] = {"arguments": {key: value for key, value in plain.items() if key[0] != "_"},
                             "dataset": "scenes", "size": list(cfg.size), "seconds": seconds,
                             "command": shlex.join(["python", "tools/train_style_regressor.py", *sys.argv[1:]])}
    save_style_regressor(cfg.output, system.network, **facts)
    scores = {"r2": held_out_r2(cfg.output, data), "images": len(data.val_set)}
    save_style_regressor(cfg.output, system.network, scores=scores, **facts)
    print(f"R^2 on {scores['images']} held-out scenes: "
          + ", ".join(f"{name} {value:.3f}" for name, value in scores["r2"].items()))
    print(f"style regressor: {cfg.output} ({Path(cfg.output).stat().st_size / 2**20:.2f} MiB, {seconds} s of training)")


@command(Path(__file__).parents[1] / "conf" / "train_style_regressor.yaml")
def main(cfg: DictConfig) -> None:
    run(checked(cfg))


if __name__ == "__main__":
    main()
