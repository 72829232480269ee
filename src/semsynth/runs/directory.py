"""What a run directory holds, and rebuilding the networks from it."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hydra.utils
from hydra.errors import InstantiationException
from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from semsynth.buildable import check_names, check_stored
from semsynth.documents import read_yaml
from semsynth.errors import ConfigError, DocumentError
from semsynth.runs.facts import check_facts, lacking_facts
from semsynth.signatures import bind, targets
from semsynth.weights.files import write_text

if TYPE_CHECKING:
    from semsynth.weights.run_file import Weights

CONFIG = "config.yaml"
CHECKPOINTS = "checkpoints"
SUFFIXES = (".ckpt", ".safetensors")
GRIDS = "grids"
METRICS = "metrics.csv"
PROGRESS = "progress.json"
FINISHED = "finished"
NODES = ("dataset", "recipe", "norm", "generator")  # of CONFIG: what every run has, also an imported one

BUILT = ("generator", "discriminator", "system", "data", "trainer")
SPLIT = ("total", "device", "accumulation")  # of its batch
OF_TRAINING: dict[str, type | tuple[type, ...]] = {  # of CONFIG, for a training that goes on
    **dict.fromkeys((*BUILT, "batch", "callbacks", "logger"), DictConfig), **dict.fromkeys(("run_dir", "matmul"), str),
    **dict.fromkeys(("epochs", "decay_epochs", "seed"), int), "size": ListConfig,
    "threads": (int, str)}


class Run:
    """A run directory, of a training, an import or an export: each file is read when it is asked for, and once.

    Args:
        path: The directory.
        checkpoint: Whose weights the networks have: `last`, `best`, `auto`, or a path (as it is, or below the
            directory). `last` and `best` are files of the training (`.ckpt`) or, without one, files of weights
            (`.safetensors`); `auto` is `best` where the run kept one, as the papers choose, and `last` otherwise. A
            training continues from `last`.
        weights: `raw`: the weights that were trained; `ema`: their moving average; `auto`: the average where there
            is one.
    """

    def __init__(self, path: str | Path, checkpoint: str | Path = "auto", weights: str = "auto") -> None:
        self.path = Path(path)
        self._checkpoint, self._weights = str(checkpoint), weights

    @cached_property
    def config(self) -> DictConfig:
        """The resolved configuration, which may come from anybody: what it names is safe to build.

        Raises:
            ConfigError: the directory holds none that can be used; names the file and the key.
        """
        return self._read[1]

    @property
    def plain(self) -> dict[str, Any]:
        """The same as plain values.

        Raises:
            ConfigError: as `config`.
        """
        return self._read[0]

    @cached_property
    def _read(self) -> tuple[dict[str, Any], DictConfig]:
        """The configuration as plain values and resolved.

        Raises:
            ConfigError: the directory holds none, or one that names what may not be built or refers to what it does
                not hold, or whose facts are none; names the file and the key.
        """
        path = self.path / CONFIG
        if not path.exists():
            what = "there is no such directory" if not self.path.is_dir() else f"it holds no {CONFIG}"
            what += " beside its checkpoints: put that of a copy of the run there" if self.checkpoints else ""
            raise ConfigError(f"{self.path} is no run directory: {what}")
        try:
            plain = read_yaml(path)
            if not isinstance(plain, dict) or not plain:
                raise DocumentError("it holds no table")
            check_stored(plain)
            check_facts(plain)
            for _, node in targets(plain):
                if "cache" in node:
                    node["cache"] = None  # where to keep what can be counted again is the user's word, not a run's
            return plain, OmegaConf.create(plain)
        except ConfigError as error:
            raise ConfigError(f"{path}: {error}") from None
        except (DocumentError, OmegaConfBaseException) as error:
            raise ConfigError(f"{path} is no configuration ({str(error).splitlines()[0]}): it was cut off or changed, "
                              "take it from a copy of the run") from None

    def whole(self, *nodes: str) -> DictConfig:
        """The configuration, where it holds these nodes; without any, those that every run has.

        With `dataset` it also holds what label maps are read by.

        Raises:
            ConfigError: it does not, or as `config`.
        """
        wanted = nodes or NODES
        lacking = [key for key in wanted if not isinstance(self.config.get(key), DictConfig)]
        if "dataset" in wanted and not lacking:
            lacking = lacking_facts(self.plain)
        if lacking:
            raise ConfigError(f"{self.path / CONFIG} is no whole configuration of a run, it lacks "
                              f"{', '.join(lacking)}: it was cut off, or written by an older version")
        return self.config

    @property
    def trained(self) -> DictConfig:
        """The configuration of a training that can go on.

        Raises:
            ConfigError: it lacks something, or holds something else in its place; or as `whole`.
        """
        cfg = self.whole()
        wrong = [key for key, kinds in OF_TRAINING.items() if not isinstance(cfg.get(key), kinds)]
        if "batch" not in wrong:
            wrong += [f"batch.{key}" for key in SPLIT if not isinstance(cfg.batch.get(key), int)]
        wrong += [f"{key}._target_" for key in BUILT if key not in wrong and "_target_" not in cfg[key]]
        if wrong:
            raise ConfigError(f"{self.path / CONFIG} is damaged, a training cannot go on with its {', '.join(wrong)}: "
                              f"put the file back as it was, or start a new run from the weights with init_from=DIR")
        return cfg

    @property
    def checkpoints(self) -> list[Path]:
        """All checkpoints that it keeps."""
        return [path for suffix in SUFFIXES for path in (self.path / CHECKPOINTS).glob(f"*{suffix}")
                if path.is_file()]

    @property
    def checkpoint(self) -> Path:
        """The path of the checkpoint.

        Raises:
            ConfigError: there is no such run, or no such file; says which there are.
        """
        folder, wish = self.path / CHECKPOINTS, self._checkpoint
        names = ("best", "last") if wish == "auto" else (wish,) if wish in ("last", "best") else ()
        candidates = [folder / f"{name}{suffix}" for name in names for suffix in SUFFIXES]
        candidates += [Path(wish), self.path / wish, folder / wish]
        for path in candidates:
            if path.is_file():
                return path
        _ = self.config  # no such run is told before no such checkpoint
        there = ", ".join(sorted({path.stem for path in self.checkpoints})) or "none yet"
        raise ConfigError(f"checkpoint={wish}: no such checkpoint in {folder} (there are: {there})")

    @cached_property
    def saved(self) -> Weights:
        """The weights in the checkpoint.

        Raises:
            ConfigError: no checkpoint, or it cannot be read; names another one that can.
        """
        from semsynth.weights.run_file import read_weights

        return read_weights(self.checkpoint)

    @property
    def weights(self) -> str:
        """Which weights the networks have: `ema` or `raw`.

        Raises:
            ConfigError: the checkpoint does not hold what is asked for.
        """
        return self.saved.chosen(self._weights)

    @cached_property
    def generator(self) -> Any:
        """The generator, in evaluation mode on the CPU.

        Raises:
            ConfigError: no run, no checkpoint, or no generator or moving average in it.
        """
        generator = self._network("generator")
        if generator is None:
            raise ConfigError(f"{self.checkpoint} holds no generator")
        return generator

    @cached_property
    def encoder(self) -> Any:
        """The style encoder, in evaluation mode on the CPU; None where the checkpoint holds none.

        Raises:
            ConfigError: no run, no checkpoint, or no moving average in it.
        """
        return self._network("encoder")

    @cached_property
    def segmenter(self) -> Any:
        """The segmenter in the loop of an unpaired run, in evaluation mode on the CPU; None for other runs.

        Raises:
            ConfigError: no run, no checkpoint, or no moving average in it; the file that the segmenter began with is
                gone.
        """
        node = self.config.get("system", {}).get("segmenter")
        if node is None or "segmenter" not in self.saved:
            return None
        if OmegaConf.select(node, "network.encoder_weights"):  # the checkpoint holds what became of them
            node = OmegaConf.merge(node, {"network": {"encoder_weights": None}})
        try:  # a pretrained one's weights are in the checkpoint, too, but its file describes the network
            return self._built("segmenter", node)
        except ConfigError as error:
            raise ConfigError(f"the segmenter of {self.path} cannot be rebuilt: {error}") from error

    @property
    def finished(self) -> int:
        """How many epochs it had when all were trained; 0: they are not."""
        mark = self.path / FINISHED
        text = mark.read_text(errors="replace").strip() if mark.is_file() else ""
        return int(text) if text.isdecimal() and len(text) < 10 else 0

    def finish(self, epochs: int) -> None:
        """Note that this many epochs are trained."""
        write_text(self.path / FINISHED, f"{epochs}\n")

    def _network(self, part: str) -> Any:
        _ = self.config  # no such run is told before no such checkpoint
        return self._built(part, self.whole(part)[part]) if part in self.saved else None

    def _built(self, part: str, node: DictConfig) -> Any:
        """A network with its weights; no larger than these, whatever the configuration says.

        Raises:
            ConfigError: the configuration does not describe it; names its key.
        """
        import torch

        def make() -> torch.nn.Module:
            network = hydra.utils.instantiate(node, _convert_="all")
            if not isinstance(network, torch.nn.Module):
                raise ConfigError(f"{self.path / CONFIG}: {part} is no network but a {type(network).__name__}")
            return network

        try:
            plain = OmegaConf.to_container(node, resolve=True)
            check_names(plain, part)
            for where, child in targets(plain, part):
                bind(where, child)
            return self.saved.network(part, make, self._weights)
        except ConfigError:
            raise
        except Exception as error:  # whatever values that somebody else wrote make of the constructors
            cause = error.__cause__ if isinstance(error, InstantiationException) and error.__cause__ else error
            raise ConfigError(f"{self.path / CONFIG}: the {part} cannot be built: {cause}") from error
