"""The checks that import what a configuration names: signatures, agreement between groups, the networks' own."""

import json
import logging
import math
import re
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import hydra.utils
from hydra.errors import InstantiationException
from omegaconf import DictConfig, OmegaConf

from semsynth.buildable import check_names
from semsynth.config.answers import check_answers, check_stages
from semsynth.config.defaults import reads_offsets
from semsynth.config.device import check_device
from semsynth.config.processes import DDP, processes, started
from semsynth.config.twins import losses_without
from semsynth.config.unpaired_rules import check_streams
from semsynth.errors import ConfigError
from semsynth.signatures import bind, locate, targets

# The order of binding: what imports only torch comes before what imports Lightning.
NETWORKS = ("base", "norm", "encoder", "generator", "discriminator")
GROUPS = (*NETWORKS, "objective", "loss", "optim", "icpe", "augment", "dataset", "data", "callbacks", "system",
          "protocol", "segmenter", "scores", "logger", "trainer")


def check(cfg: DictConfig) -> None:
    """Check a completed configuration: signatures, what must agree between groups, and the networks' own checks.

    Raises:
        ConfigError: the first fault; the message names the key and the way out.
    """
    check_device(cfg)
    check_networks(cfg)
    _check_start_statistics(cfg)
    check_streams(cfg)
    check_answers(cfg)
    check_stages(cfg)
    if "segmenter" in cfg.system:
        _check_segmenter(cfg)
    plain: Any = OmegaConf.to_container(cfg, resolve=True)
    check_signatures(plain, [group for group in GROUPS if group not in NETWORKS])
    check_names(plain)  # what is built now and refused later would be a training that nobody can open
    for path, node in targets(plain["loss"], "loss"):
        _preflight(path, node)
    check_trainer(cfg)


def _preflight(path: str, node: dict[str, Any]) -> None:
    """Ask a term of the loss whether its weights are there.

    Raises:
        ConfigError: they are not; names the ways out.
    """
    preflight = getattr(locate(node["_target_"], path), "preflight", None)
    if preflight is None:
        return
    try:
        preflight(**{key: value for key, value in node.items() if not key.startswith("_")})
    except ValueError as error:
        given = f"give {path}.weights=PATH, or " if "weights" in node else ""
        raise ConfigError(f"{path}: {error}. Or {given}train without it: {losses_without()}") from error


def check_trainer(cfg: DictConfig) -> None:
    """Build the trainer once, for its own checks.

    Raises:
        ConfigError: it refuses its arguments.
    """
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)  # not its tips and its summary of the flags
    node = {**cfg.trainer, "logger": False}
    _explain("trainer", lambda: hydra.utils.instantiate(node, _convert_="all"))


def check_networks(cfg: DictConfig) -> None:
    """The part of `check` that concerns the networks alone: it needs neither data nor weights.

    Raises:
        ConfigError: the first fault.
    """
    _check_agreement(cfg)
    plain: Any = OmegaConf.to_container(cfg, resolve=True)
    check_signatures(plain, NETWORKS)
    build_without_memory(cfg, ("encoder", "generator", "discriminator"))


def _check_start_statistics(cfg: DictConfig) -> None:
    """Ask the generator whether a batch has enough samples for its statistics.

    Raises:
        ConfigError: it has not.
    """
    import torch

    samples = cfg.batch.device * processes(cfg)  # whose statistics are shared
    with torch.device("meta"):
        try:
            hydra.utils.instantiate(cfg.generator, _convert_="all").check_batch(samples)
        except ValueError as error:
            raise ConfigError(f"batch.device={cfg.batch.device}: {error}") from error


def _check_agreement(cfg: DictConfig) -> None:
    count, instances = (cfg.dataset.get(key) for key in ("num_classes", "instances"))
    for part in ("generator", "discriminator"):
        if cfg[part].get("num_classes", count) != count:
            raise ConfigError(f"{part}.num_classes={cfg[part].num_classes} is not dataset.num_classes={count}")
    parts = ("norm", "generator", "discriminator")
    plain: Any = {part: OmegaConf.to_container(cfg[part], resolve=True) for part in parts}
    for path, node in targets(plain):
        if node.get("edges") and not instances:
            raise ConfigError(f"{path}.edges=true needs instance maps: set {path}.edges=false or "
                              f"dataset.instances=true")
    for kind in ("z_dim", "features", "code", "noise"):
        if cfg.encoder.get(kind, 0) and kind not in cfg.generator:
            raise ConfigError(f"{cfg.generator['_target_'].rpartition('.')[2]} reads no style of this encoder: take "
                              f"encoder=none, or another generator")
    read = {node["codes"] for _, node in targets(plain) if node.get("codes") and node.get("styled", True)}
    if (codes := cfg.encoder.get("codes", 0)) and codes not in read:
        raise ConfigError(f"encoder.codes={codes}, but no norm reads a style for each class in codes of that length: "
                          "take norm=ace or norm=ace_clade, and leave their codes to follow the encoder")
    if cfg.encoder.get("z_dim", 0) != cfg.generator.get("z_dim", 0):
        raise ConfigError(f"encoder.z_dim={cfg.encoder.get('z_dim', 0)} is not generator.z_dim={cfg.generator.z_dim}: "
                          f"leave generator.z_dim to follow the encoder, or take encoder=style")
    if not cfg.icpe.enabled and reads_offsets(cfg):
        raise ConfigError("icpe.enabled=false, but the norm or the generator reads positional offsets: "
                          "set icpe.enabled=auto")
    if cfg.decay_epochs > cfg.epochs:
        raise ConfigError(f"decay_epochs={cfg.decay_epochs} is more than epochs={cfg.epochs}")
    if cfg.trainer.get("strategy") in ("ddp", "ddp_spawn", "ddp_fork"):
        raise ConfigError(f"trainer.strategy={cfg.trainer.strategy} fails where two networks take turns: "
                          f"leave it out, which takes {DDP} where there are several processes")
    if cfg.trainer.get("max_epochs", cfg.epochs) != cfg.epochs:
        raise ConfigError(f"trainer.max_epochs={cfg.trainer.max_epochs} is not epochs={cfg.epochs}, which the learning "
                          f"rates follow: set epochs instead")
    if cfg.trainer.get("max_steps", -1) != -1:
        raise ConfigError(f"trainer.max_steps={cfg.trainer.max_steps}: the length of a training is set by epochs, "
                          f"which the learning rates follow; trainer.limit_train_batches shortens an epoch")
    if cfg.trainer.get("accumulate_grad_batches", 1) != 1:
        raise ConfigError(f"trainer.accumulate_grad_batches={cfg.trainer.accumulate_grad_batches} is refused where two "
                          f"networks take turns: set batch.accumulation={cfg.trainer.accumulate_grad_batches} instead")
    if cfg.trainer.get("gradient_clip_val") is not None:
        raise ConfigError(f"trainer.gradient_clip_val={cfg.trainer.gradient_clip_val} is refused where two networks "
                          f"take turns: leave it out. Lower rates (optim.generator.lr, optim.discriminator.lr) or more "
                          f"samples a step (batch.total) steady a training")
    _check_scores(cfg)
    if re.match(r"runs/\d{4}-\d\d-\d\d_", cfg.run_dir):  # the default, which has the time in it
        if cfg.resume == "auto":
            raise ConfigError("resume=auto never finds a run in a directory with a new name: set run_dir=runs/NAME")
        if (running := started()) is not None and running.world > 1:
            raise ConfigError("processes that torchrun or srun starts must share a directory: set run_dir=runs/NAME")


def _check_scores(cfg: DictConfig) -> None:
    """Scores are taken in validations: some epoch must have both.

    Raises:
        ConfigError: none has.
    """
    scores = cfg.get("scores")  # a measurement of costs has none
    if not scores or not scores.every_n_epochs or not scores.get("assess"):
        return
    scored, validated = scores.every_n_epochs, cfg.trainer.get("check_val_every_n_epoch", 1)
    if cfg.trainer.get("limit_val_batches", 1) == 0:
        raise ConfigError("trainer.limit_val_batches=0 leaves no validation, in which scores are taken: set it to 1, "
                          "or scores=none")
    if validated and cfg.epochs % validated and math.lcm(scored, validated) > cfg.epochs:
        raise ConfigError(f"scores.every_n_epochs={scored} and trainer.check_val_every_n_epoch={validated} meet in "
                          f"none of the {cfg.epochs} epochs, and scores are taken in validations: set "
                          f"scores.every_n_epochs={validated}, or scores=none")


def _check_segmenter(cfg: DictConfig) -> None:
    """Build the segmenter in the loop without memory and show it a batch: its file, its classes and its sizes.

    Raises:
        ConfigError: the file is missing or of other classes, or the network cannot segment such a batch.
    """
    import torch

    def segment() -> None:
        with torch.device("meta"), warnings.catch_warnings():
            warnings.filterwarnings("ignore", "for .* copying from a non-meta parameter")  # a file's weights
            segmenter = hydra.utils.instantiate(cfg.system.segmenter, _convert_="all")
            segmenter(torch.zeros(cfg.batch.device, 3, *cfg.size))

    _explain("system.segmenter", segment)


def check_signatures(plain: dict[str, Any], groups: Sequence[str]) -> None:
    """Hold every node of the groups against the signature of what it names.

    Raises:
        ConfigError: the first that does not fit.
    """
    seen: set[str] = set()
    for group in groups:
        for path, node in targets(plain.get(group), group):
            print_of_node = json.dumps(node, sort_keys=True, default=str)
            if print_of_node not in seen:  # a node that another group interpolates is checked where it stands
                seen.add(print_of_node)
                bind(path, node)


def build_without_memory(cfg: DictConfig, parts: Sequence[str]) -> None:
    """Run the networks' constructors on the meta device: their own checks of sizes, strides and widths, for nothing."""
    import torch

    for part in parts:
        with torch.device("meta"):
            _explain(part, lambda: hydra.utils.instantiate(cfg[part], _convert_="all"))  # noqa: B023


def _explain(path: str, action: Callable[[], Any]) -> None:
    """Turn what a constructor or a preflight says of its arguments into a ConfigError that names the node."""
    try:
        action()
    except ValueError as error:
        raise ConfigError(f"{path}: {error}") from error
    except InstantiationException as error:
        from pytorch_lightning.utilities.exceptions import MisconfigurationException

        if isinstance(error.__cause__, ValueError | TypeError | ImportError | MisconfigurationException):
            raise ConfigError(f"{path}: {error.__cause__}") from error
        raise
