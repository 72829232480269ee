"""What tests of evaluate.py share: few samples, a run made by hand, the words of a judge."""

import json

import torch
from commands import composed
from hydra.utils import instantiate

from semsynth import config, runs

FEW = ["protocol.count=6", "protocol.train_count=6", "protocol.diversity_maps=2", "protocol.diversity_samples=2",
       "batch=4", "device=cpu"]


def make_run(path, *overrides, average=True):
    """A run directory around untrained networks; those of the moving average differ from the others."""
    small = ["size=16", "generator.ngf=2", "recipe.z_dim=4", "logger=csv"]
    small += [] if any(word.startswith("generator=") for word in overrides) else ["generator.upsamplings=2"]
    small += [] if "encoder=none" in overrides else ["encoder.nef=2"]
    cfg = config.finalize(composed("train", *small, *overrides, f"run_dir={path}"))
    runs.save_config(cfg)
    torch.manual_seed(1)
    parts = {part: instantiate(cfg[part], _convert_="all") for part in ("generator", "encoder")}
    if "segmenter" in cfg.system:
        parts["segmenter"] = instantiate(cfg.system.segmenter, _convert_="all")
    state = {f"{part}.{key}": value for part, network in parts.items() if network is not None
             for key, value in network.state_dict().items()}
    averages = {part: {key: value * 1.5 if value.is_floating_point() else value
                       for key, value in network.state_dict().items()}
                for part, network in parts.items() if network is not None}
    (path / "checkpoints").mkdir()
    torch.save({"epoch": 2, "state_dict": state, "callbacks": {"EMA": averages} if average else {}},
               path / "checkpoints" / "last.ckpt")
    return path


def by_judge(path):
    return ["segmenter=trained", f"segmenter.path={path}"]


def read(path):
    return json.loads(path.read_text())
