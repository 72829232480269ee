"""What a run directory holds, and rebuilding the networks from it."""

from pathlib import Path
from typing import Any

import hydra.errors
import hydra.utils
import yaml
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from semsynth.buildable import check_stored
from semsynth.errors import ConfigError

CONFIG = "config.yaml"
CHECKPOINTS = "checkpoints"
SUFFIXES = (".ckpt", ".safetensors")
GRIDS = "grids"
METRICS = "metrics.csv"
FINISHED = "finished"


def load_config(run_dir: str | Path) -> DictConfig:
    """The resolved configuration of a run, which may come from anybody: what it names is safe to build.

    Raises:
        ConfigError: the directory holds none, or one that names what may not be built or refers to what it does not
            hold.
    """
    path = Path(run_dir) / CONFIG
    if not path.is_file():
        what = "there is no such directory" if not Path(run_dir).is_dir() else f"it holds no {CONFIG}"
        raise ConfigError(f"{run_dir} is no run directory: {what}")
    try:
        loaded = OmegaConf.load(path)
        check_stored(OmegaConf.to_container(loaded, resolve=False))
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None
    except (yaml.YAMLError, OmegaConfBaseException, OSError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(f"{path} is no configuration ({str(error).splitlines()[0]})") from error
    if not isinstance(loaded, DictConfig):
        raise ConfigError(f"{path} is no configuration: it holds a list")
    return loaded


def find_checkpoint(run_dir: str | Path, checkpoint: str = "last") -> Path:
    """The path of a run's checkpoint: `last`, `best`, `auto`, or a path (as it is, or below the run directory).

    `last` and `best` are files of the training (`.ckpt`) or, without one, files of weights (`.safetensors`); `auto` is
    `best` where the run kept one, as the papers choose, and `last` otherwise. A training continues from `last`.

    Raises:
        ConfigError: there is no such file; says which there are.
    """
    folder = Path(run_dir) / CHECKPOINTS
    names = ("best", "last") if checkpoint == "auto" else (checkpoint,) if checkpoint in ("last", "best") else ()
    candidates = [folder / f"{name}{suffix}" for name in names for suffix in SUFFIXES]
    candidates += [Path(checkpoint), Path(run_dir) / checkpoint, folder / checkpoint]
    for path in candidates:
        if path.is_file():
            return path
    there = ", ".join(sorted({path.stem for path in checkpoints_in(folder)})) or "none yet"
    raise ConfigError(f"checkpoint={checkpoint}: no such checkpoint in {folder} (there are: {there})")


def checkpoints_in(folder: Path) -> list[Path]:
    """All checkpoints of a folder."""
    return [path for suffix in SUFFIXES for path in folder.glob(f"*{suffix}")]


def check_checkpoint(path: Path) -> None:
    """Read a checkpoint that a training shall continue from, before anything is built.

    Raises:
        ConfigError: it is cut off or damaged, or its weights are not finite; names another one that can serve.
    """
    from semsynth.weights.run_file import read_weights

    read_weights(path).check()


def load_weights(path: str | Path, part: str, weights: str = "auto") -> Any:
    """The state dict of a part in a checkpoint, `.ckpt` or `.safetensors`; None where it holds nothing of it.

    Args:
        path: The file, see `find_checkpoint`.
        part: `generator`, `discriminator` or `encoder`.
        weights: See `load_generator`.

    Raises:
        ConfigError: no such file or not of a run, or no moving average in it.
    """
    from semsynth.weights.run_file import read_weights

    return read_weights(path).part(part, weights)


def epoch_of(path: Path) -> int | None:
    """The epoch of a checkpoint, see `semsynth.weights.run_file.epoch_of`."""
    from semsynth.weights import run_file

    return run_file.epoch_of(path)


def told(path: Path) -> str:
    """A checkpoint in words: its file, and the epoch whose weights it holds, as far as it says so."""
    epoch = epoch_of(path)
    return path.name if epoch is None else f"{path.name} of epoch {epoch}"


def load_generator(run_dir: str | Path, checkpoint: str = "auto", weights: str = "auto") -> tuple[Any, Any, DictConfig]:
    """Rebuild a run's generator, and its encoder (None where it has no weights), in evaluation mode on the CPU.

    Args:
        run_dir: The run directory.
        checkpoint: See `find_checkpoint`.
        weights: `raw`: the weights that were trained; `ema`: their moving average; `auto`: the average where there
            is one.

    Returns:
        generator, encoder or None, configuration.

    Raises:
        ConfigError: no run, no checkpoint, or no moving average in it.
    """
    from semsynth.weights.run_file import read_weights

    if weights not in ("auto", "ema", "raw"):
        raise ConfigError(f"weights={weights} must be ema, raw or auto")
    cfg = load_config(run_dir)
    saved = read_weights(find_checkpoint(run_dir, checkpoint))
    networks = []
    for part in ("generator", "encoder"):
        state = saved.part(part, weights)
        network = None if state is None else hydra.utils.instantiate(cfg[part], _convert_="all")
        if network is not None:
            network.load_state_dict(state)
            network.eval()
        elif part == "generator":
            raise ConfigError(f"{saved.path} holds no generator")
        networks.append(network)
    return networks[0], networks[1], cfg


def load_segmenter(run_dir: str | Path, checkpoint: str = "auto", weights: str = "auto") -> Any:
    """Rebuild the segmenter in the loop of an unpaired run, in evaluation mode on the CPU; None for other runs.

    Args:
        run_dir: The run directory.
        checkpoint: See `find_checkpoint`.
        weights: See `load_generator`.

    Raises:
        ConfigError: no run, no checkpoint, or no moving average in it; the file that the segmenter began with is gone.
    """
    cfg = load_config(run_dir)
    node = cfg.get("system", {}).get("segmenter")
    state = None if node is None else load_weights(find_checkpoint(run_dir, checkpoint), "segmenter", weights)
    if state is None:
        return None
    if OmegaConf.select(node, "network.encoder_weights"):  # the checkpoint holds what became of them
        node = OmegaConf.merge(node, {"network": {"encoder_weights": None}})
    try:  # a pretrained one's weights are in the checkpoint, too, but its file describes the network
        segmenter = hydra.utils.instantiate(node, _convert_="all")
    except hydra.errors.InstantiationException as error:
        raise ConfigError(f"the segmenter of {run_dir} cannot be rebuilt: {error.__cause__ or error}") from error
    segmenter.load_state_dict(state)
    return segmenter.eval()
