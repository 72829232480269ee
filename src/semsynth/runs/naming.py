"""Names of the directories of a sweep's jobs."""

import hashlib
import re
from pathlib import PurePath
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf

LONGEST = 120  # characters
# in the yamls' run_dir
NETWORK_WORD = "${network:}"


def run_name(overrides: str) -> str:
    """A short directory name for the overrides of a job, `key-value+key-value`, that run=DIR takes without quotes.

    Keys of one word (`norm`, `seed`) stand first. Whatever is no letter, digit, `.`, `-`, `+` or `_` becomes `_`, as in
    `size-32_32`. A name that is longer than 120 characters, or has lost letters of another alphabet, ends in a hash of
    all: the same job has the same name when a sweep is started again, and no other has it. (Keys are not cut to their
    last word: `optim.generator.lr` and `optim.discriminator.lr` are two.)
    """
    words = sorted(overrides.split("+"), key=lambda word: bool(re.match(r"[\w@/]*\.", word.split("-")[0])))
    name = re.sub(r"[^A-Za-z0-9.+_-]+", "_", "+".join(words))
    name = re.sub(r"_*([+-])_*", r"\1", name).strip("_")
    if len(name) <= LONGEST and overrides.isascii():
        return name
    digest = hashlib.sha256(overrides.encode()).hexdigest()[:8]
    return f"{name[:LONGEST - 9].rstrip('+-_.')}_{digest}"


def network_word() -> str:
    """What tells a run's network in the name of its directory: the choice of a norm, or of another generator."""
    choices: Any = HydraConfig.get().runtime.choices
    return str(choices.norm if choices.generator == "spade" else choices.generator)


OmegaConf.register_new_resolver("network", network_word, replace=True)
OmegaConf.register_new_resolver("run_name", run_name, replace=True)
OmegaConf.register_new_resolver("last_part", lambda path: PurePath(path).name, replace=True)
