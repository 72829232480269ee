"""Which names a run's configuration may build: a run directory can come from anybody, and building calls what it names.

Nothing is imported to find out: a name of this package counts where its file, read as text, defines it.
"""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from semsynth.errors import ConfigError
from semsynth.signatures import targets

PACKAGE = Path(__file__).parent
# Any class that is written in a file below these may be built: a new norm or data set needs no entry here.
PARTS = ("semantics", "norms", "generators", "discriminators", "encoders", "segmenters", "losses", "data", "training")
# Functions, and what stands elsewhere, one by one: calling any function there is could write files or import modules.
NAMES = frozenset({
    "semsynth.norms.base.group_norm", "semsynth.norms.base.layer_norm", "semsynth.encoders.none.no_encoder",
    "semsynth.discriminators.none.no_discriminator",
    "semsynth.segmenters.judge.load_judge", "semsynth.segmenters.judge.shipped",
    "semsynth.segmenters.judge.own_judge", "semsynth.segmenters.published.published_judge",
    "semsynth.segmenters.loop.pretrained", "semsynth.segmenters.loop.untrained",
    "semsynth.training.progress.progress", "semsynth.training.wandb_run.wandb_logger",
    "semsynth.evaluation.validation.ValidationScores", "semsynth.metrics.protocol.Protocol",
    "semsynth.metrics.style_regressor.StyleRegressor",
})
OTHERS = frozenset({
    *(f"torch.nn.{name}" for name in ("BatchNorm2d", "SyncBatchNorm", "InstanceNorm2d", "Identity")),
    *(f"torch.optim.{name}" for name in ("Adam", "AdamW", "Adamax", "NAdam", "RAdam", "Adagrad", "Adadelta", "RMSprop",
                                         "SGD")),
    "pytorch_lightning.Trainer",
    *(f"pytorch_lightning.callbacks.{name}" for name in ("EarlyStopping", "LearningRateMonitor", "RichProgressBar",
                                                         "Timer", "TQDMProgressBar")),
    "albumentations.ColorJitter",
})


# What trains writes files and may reach a server: it is built where a training is, not where a run is looked at.
TRAINS = ("semsynth.training.", "pytorch_lightning.")
WHERE_TRAINED = ("callbacks", "logger", "scores", "system", "trainer")


def check_names(plain: Any, path: str = "") -> None:
    """Check that everything a plain node names may be built where it stands.

    Args:
        plain: Nested dictionaries and lists.
        path: Dotted path of the node; its first word says what it is for.

    Raises:
        ConfigError: the first name that may not be, or arguments without names, with the key.
    """
    for where, node in targets(plain, path):
        name = node["_target_"]
        if isinstance(name, str) and name.startswith(TRAINS) and where.split(".")[0] not in WHERE_TRAINED:
            raise ConfigError(f"{where}._target_={name:.200} is not built there: what trains stands in "
                              f"{', '.join(WHERE_TRAINED)} alone")
        if not isinstance(name, str) or not may_be_built(name):
            raise ConfigError(f"{where}._target_={name!s:.200} is not built: a run may name classes that are written "
                              f"in files of semsynth/{{{','.join(PARTS)}}} (by the file's own name), and the few of "
                              "torch and others that semsynth/buildable.py lists, since anything else could run code")
    for where, node in targets(plain, path):
        if "_args_" in node:
            raise ConfigError(f"{where}._args_ are not read: arguments stand under their names, where they are checked")


def check_stored(plain: Any) -> None:
    """Check the configuration of a run as it lies in a file: what it names, and that it refers to nothing else.

    Interpolations could read the environment; a run is stored without any.

    Raises:
        ConfigError: the first fault, with its key.
    """
    for path, value in _values(plain):
        if isinstance(value, str) and ("${" in value or value == "???"):
            raise ConfigError(f"{path}={value:.200} is not resolved: a run's configuration holds the values themselves")
        if value is not None and not isinstance(value, str | bool | int | float):
            raise ConfigError(f"{path} holds a {type(value).__name__}: a run's configuration holds words and numbers")
    check_names(plain)


def may_be_built(name: str) -> bool:
    """Whether a dotted name may be built."""
    if name in OTHERS:
        return True
    words = name.split(".")
    if words[0] != "semsynth" or len(words) < 3 or not all(word.isidentifier() for word in words):
        return False
    modules, last = words[1:-1], words[-1]
    kind = ast.ClassDef | ast.FunctionDef if name in NAMES else ast.ClassDef
    return (name in NAMES or modules[0] in PARTS) and isinstance(_definitions(tuple(modules)).get(last), kind)


@cache
def _definitions(modules: tuple[str, ...]) -> dict[str, ast.stmt]:
    """What the file of a module defines by itself, by name; imported names are none of it."""
    path = PACKAGE.joinpath(*modules).with_suffix(".py")
    if not path.is_file():
        return {}
    body = ast.parse(path.read_text(encoding="utf-8")).body
    return {node.name: node for node in body if isinstance(node, ast.ClassDef | ast.FunctionDef)}


def _values(node: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """All keys and values of a plain node, with dotted paths."""
    if isinstance(node, dict):
        for key, child in node.items():
            below = f"{path}.{key}" if path else str(key)
            yield below, key
            yield from _values(child, below)
    elif isinstance(node, list):
        for index, child in enumerate(node):
            yield from _values(child, f"{path}[{index}]")
    else:
        yield path, node
