"""What belongs together where label maps and photographs do not: `dataset.unpaired` and all that hangs on it."""

from pathlib import Path
from typing import Any

from hydra import compose
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf

from semsynth.errors import ConfigError
from semsynth.signatures import locate, near, targets

MODES = ("shuffled", "disjoint", "labels_only", "as_released")


def complete_labels_from(cfg: DictConfig) -> None:
    """Make a node of `dataset.labels_from` where it is a folder or the name of a data set, in place.

    Raises:
        ConfigError: it is neither.
    """
    source = cfg.dataset.get("labels_from")
    if not isinstance(source, str):
        return
    if Path(source).expanduser().is_dir():
        classes, node = _of_folder(cfg, source)
    else:
        classes, node = _of_data_set(cfg, source)
    node = {key: value for key, value in node.items() if key != "offsets"} | {"_partial_": True}
    node = {"_target_": "semsynth.data.label_maps.OtherLabels", "dataset": node, "theirs": classes,
            "ours": list(cfg.dataset.classes), "names": dict(cfg.dataset.label_names or {}), "title": source,
            "unknown": cfg.dataset.unknown, "offsets": OmegaConf.to_container(cfg.icpe, resolve=True)}
    OmegaConf.update(cfg, "dataset.labels_from", node, force_add=True)


def _of_folder(cfg: DictConfig, root: str) -> tuple[list[str], dict[str, Any]]:
    classes, unknown = list(cfg.dataset.classes), cfg.dataset.unknown
    if (Path(root).expanduser() / "classes.yaml").is_file():
        from semsynth.data.classes import load_classes

        try:
            table = load_classes(root)
        except ValueError as error:
            raise ConfigError(str(error)) from error
        classes, unknown = table.names, table.unknown
    return classes, {
        "_target_": "semsynth.data.paired.PairedDataset", "_partial_": True,
        "source": {"_target_": "semsynth.data.label_maps.LabelMaps", "root": root},
        "num_classes": len(classes), "size": list(cfg.size), "unknown": unknown, "instances": cfg.dataset.instances,
        "preprocess": cfg.dataset.get("preprocess", "resize_and_crop"),
        "load_ratio": cfg.dataset.get("load_ratio", 1.0), "flip": cfg.dataset.get("flip", True),
        "seed": cfg.seed}


def _of_data_set(cfg: DictConfig, name: str) -> tuple[list[str], dict[str, Any]]:
    hydra = GlobalHydra.instance()
    if not hydra.is_initialized():  # in a program of one's own, which has closed Hydra again
        raise ConfigError(f"dataset.labels_from={name} is no folder, and a data set of that name is composed by Hydra: "
                          "prepare the configuration within the `with initialize_config_dir(...)` that composed it")
    known = sorted(hydra.config_loader().get_group_options("dataset"))
    if name not in known:
        raise ConfigError(f"dataset.labels_from={name} is neither a folder of label maps nor a data set"
                          f"{near(name, known)} (data sets: {', '.join(known)})")
    overrides = [f"dataset={name}", f"size=[{cfg.size[0]},{cfg.size[1]}]", f"seed={cfg.seed}",
                 f"dataset.instances={cfg.dataset.instances}"]
    try:
        other = compose("check_data", overrides=overrides)  # composes data alone
        facts: Any = OmegaConf.to_container(other.dataset, resolve=True)
    except HydraException as error:
        raise ConfigError(f"dataset.labels_from={name}: {error}") from error
    if facts["classes"] is None:
        raise ConfigError(f"dataset.labels_from={name}: name the folder itself, dataset.labels_from=DIR")
    return facts["classes"], facts["train"]


def check_streams(cfg: DictConfig) -> None:
    """Check what must agree for `dataset.unpaired`.

    Raises:
        ConfigError: the first fault; the message names the key.
    """
    mode, share = cfg.dataset.unpaired, cfg.dataset.paired_fraction
    looped = "segmenter" in cfg.system
    if mode is not None and mode not in MODES:
        raise ConfigError(f"dataset.unpaired={mode} must be null, {', '.join(MODES)}{near(str(mode), MODES)}")
    if looped != (mode is not None):
        raise ConfigError(
            f"dataset.unpaired={mode} needs a segmenter in the loop: experiments=unpaired, or system=unpaired with its "
            f"loss and discriminator" if mode else "system=unpaired needs dataset.unpaired=shuffled, disjoint, "
            "labels_only or as_released; experiments=unpaired sets all that belongs to it")
    if (cfg.dataset.labels_from is not None) != (mode == "labels_only"):
        raise ConfigError("dataset.labels_from and dataset.unpaired=labels_only belong together: "
                          "dataset.labels_from=scenes, the name of another data set, or a folder of label maps")
    if not isinstance(share, int | float) or not 0 <= share <= 1:
        raise ConfigError(f"dataset.paired_fraction={share} must be a number from 0 to 1")
    if share and (mode is None or mode == "as_released"):
        raise ConfigError(f"dataset.paired_fraction={share} means nothing where all samples are pairs: leave it at 0, "
                          f"or set dataset.unpaired=shuffled")
    if looped:
        _check_loop(cfg, mode, share)


def _check_loop(cfg: DictConfig, mode: str, share: float) -> None:
    """The losses and discriminators of a training with a segmenter in the loop."""
    loss: Any = OmegaConf.to_container(cfg.loss, resolve=True)
    needs: set[str] = set()
    for path, node in targets(loss, "loss"):
        term = locate(node["_target_"], path)
        if mode != "as_released" and getattr(term, "compares_pairs", False):
            raise ConfigError(f"{path} compares an image with the photograph of its label map, and with "
                              f"dataset.unpaired={mode} they do not belong together: take loss=unpaired, or "
                              f"{path}=null")
        needs |= getattr(term, "needs", frozenset())
    pairs = bool(needs & {"paired", "paired_fake"})
    if mode != "as_released" and pairs != bool(share):
        raise ConfigError(f"dataset.paired_fraction={share} and the terms of the loss that use pairs belong together: "
                          f"loss=unpaired_paired dataset.paired_fraction=0.05, or loss=unpaired without")
    if mode != "as_released" and cfg.discriminator.get("conditional", True):
        raise ConfigError("the discriminator sees label maps, which its images do not belong to: take "
                          "discriminator=patchgan_image")
    second = cfg.system.get("label_discriminator") is not None
    if ("label_maps" in needs) != second:
        raise ConfigError("a second discriminator and the terms label_adversarial belong together: "
                          "loss=unpaired_cycle discriminator@system.label_discriminator=patchgan_labels")
    if "cycled" in needs and (cfg.icpe.enabled or cfg.dataset.edges):
        raise ConfigError("the cycle makes images of what the segmenter says, which has neither instances nor offsets: "
                          "take norm=clade or norm=spade, dataset.instances=false, or loss.generator.cycle=null")
