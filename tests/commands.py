"""The configurations that commands get, and scripts that are no part of the package, within this process."""

import importlib.util
from pathlib import Path

from hydra import compose, initialize_config_dir

ROOT = Path(__file__).parents[1]

# words of a training that takes a moment
SMALL = ["generator.ngf=4", "discriminator.ndf=4", "batch=2", "data.num_workers=0", "logger=csv",
         "trainer.accelerator=cpu"]
# an unpaired training, as small
UNPAIRED = ["system=unpaired", "dataset.unpaired=shuffled", "discriminator=patchgan_image", "loss=unpaired",
            "system.segmenter.network.widths=[4,8]"]
AS_RELEASED = [*UNPAIRED, "dataset.unpaired=as_released"]
SECOND = ["discriminator@system.label_discriminator=patchgan_labels", "system.label_discriminator.ndf=4"]


def load(path):
    """A script of the project, given by its path in it, as a module."""
    spec = importlib.util.spec_from_file_location(Path(path).stem, ROOT / path)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return script


def hydra():
    """A context in which Hydra knows the configuration, as it does within a command."""
    return initialize_config_dir(str(ROOT / "conf"), version_base="1.3")


def composed(name, *overrides, **kwargs):
    """The configuration of a command."""
    with hydra():
        return compose(name, overrides=list(overrides), **kwargs)


def training(*overrides):
    """The configuration of train.py, which knows the experiments as well."""
    return composed("train", *overrides, f"hydra.searchpath=[file://{ROOT}]")
