"""Calling tools/import_checkpoint.py within this process."""

import importlib.util
from pathlib import Path

import torch
from hydra import compose, initialize_config_dir

ROOT = Path(__file__).parents[2]


def load_tool(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    return tool


TOOL = load_tool("import_checkpoint")


def import_run(source, output, *overrides):
    """Import as the command line does; the lines that it prints."""
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        cfg = compose("import_checkpoint", overrides=[f"source='{source}'", f"output='{output}'", *overrides])
    return TOOL.import_checkpoint(cfg, [o for o in overrides if o.startswith("dataset")])


def save(folder, epoch="latest", **states):
    """Files of a released model in a folder: generator=..., discriminator=..., encoder=..."""
    folder.mkdir(parents=True, exist_ok=True)
    for part, state in states.items():
        torch.save(state, folder / f"{epoch}_net_{part[0].upper()}.pth")
    return folder
