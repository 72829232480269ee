"""What is measured and how: the options of a measurement, the facts of a configuration, its name in the papers."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import Any, Literal

import torch

from semsynth.complexity.formulation import Formulation
from semsynth.complexity.maps import Kind
from semsynth.complexity.timing import PRECISIONS
from semsynth.device import chosen_device

Plain = dict[str, Any]
UNITS = {"MB": 10**6, "GB": 10**9, "MiB": 2**20, "GiB": 2**30}
MEMORY = re.compile(rf"(\d+(?:\.\d+)?)({'|'.join(UNITS)})")
PUBLISHED_SIZES = {"ade20k": [256, 256], "ade20k_outdoor": [256, 256], "coco_stuff": [256, 256],
                   "cityscapes": [256, 512], "celebamask_hq": [256, 256], "deepfashion": [256, 256]}

# generators that are methods of their own, by class: the papers' name, and the values with which they are published
# where these are not a bare network's
GENERATORS: dict[str, tuple[str, Plain]] = {
    "CCFPSEGenerator": ("cc_fpse", {"z_dim": 256, "hidden": 128, "pyramid": 64}),
    "DAGANGenerator": ("dagan", {}),
    "Pix2PixHDGenerator": ("pix2pixhd", {"blocks": 9, "features": 0}),
    "Pix2PixHDLocalGenerator": ("pix2pixhd_local", {"blocks": 9, "local_blocks": 3, "features": 0}),
    "CRNGenerator": ("crn", {"pictures": 1}),
    "OASISGenerator": ("oasis", {"noise": 64}),
    "SEANGenerator": ("sean", {}),
    "GroupDNetGenerator": ("groupdnet", {"code": 8}),
    "INADEGenerator": ("inade", {"start": 256, "noise": 64}),
}
# with which norms they are published, where this is not SPADE
PUBLISHED_NORMS = {"oasis": "spade_noise", "groupdnet": "grouped", "inade": "inade", "sean": "ace"}
# and, by data set, with which widths of the last block and groups of channels, where these are not 64 and one
PUBLISHED_GROUPS: dict[str, dict[str, tuple[int, list[int]]]] = {
    "groupdnet": {"ade20k": (64, [151, 16, 16, 8, 4, 2, 1]), "cityscapes": (280, [35, 35, 20, 14, 10, 4, 1]),
                  "celebamask_hq": (304, [19, 19, 8, 8, 4, 4, 2]), "deepfashion": (160, [8, 8, 4, 4, 2, 2, 1])},
}
NAMES = {"sean_ace_clade": "sean_clade"}  # that the papers have for others


@dataclass(frozen=True)
class Options:
    """How to measure.

    Args:
        count: what counts as work: ``macs``, or ``macs_bias``, see :mod:`counting`.
        formulation: whose time and memory: ``published``, the plain formula of the released networks, or ``fast``,
            ours, see :mod:`formulation`. Counts are the same.
        device: ``cpu``, ``cuda``, or ``auto`` for CUDA where there is one.
        threads: threads of the CPU; the papers' CPU time is one thread's.
        batch: images in a timed batch.
        runtime: whether to measure time.
        repeats: timed batches.
        warmup: batches before them.
        labels: which label maps, see :func:`maps.label_map`.
        memory: whether to measure memory.
        training: whether to measure the memory of training steps, too.
        memory_batches: batch sizes of the memory's measurement.
        fits: memory of a device, as in ``80GB`` or ``24GiB``: which batch fits there, by a law of the two largest of
            memory_batches; None: not asked.

    Raises:
        ValueError: an option that makes no sense; the message names it.
    """

    count: Literal["macs", "macs_bias"] = "macs"
    formulation: Formulation = "fast"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    threads: int = 1
    batch: int = 1
    runtime: bool = True
    repeats: int = 5
    warmup: int = 1
    labels: Kind = "regions"
    memory: bool = True
    training: bool = True
    memory_batches: tuple[int, ...] = (1, 2)
    fits: str | None = None

    def __post_init__(self) -> None:
        choices = {"count": ("macs", "macs_bias"), "formulation": ("published", "fast"),
                   "device": ("auto", "cpu", "cuda"), "labels": ("regions", "random")}
        for name, allowed in choices.items():
            if getattr(self, name) not in allowed:
                *others, last = allowed
                raise ValueError(f"{name}={getattr(self, name)} must be {', '.join(others)} or {last}")
        for name, least in (("threads", 1), ("batch", 1), ("repeats", 1), ("warmup", 0)):
            _whole(name, getattr(self, name), least)
        for name in ("runtime", "memory", "training"):
            if not isinstance(getattr(self, name), bool):
                raise ValueError(f"{name}={getattr(self, name)} must be true or false")
        if not isinstance(self.memory_batches, list | tuple) or not self.memory_batches:
            raise ValueError(f"memory_batches={self.memory_batches} must be a list of batch sizes, such as [1,2,4]")
        for size in self.memory_batches:
            _whole("memory_batches", size, 1)
        if self.fits is not None and not self.device_bytes:
            raise ValueError(f"fits={self.fits} must be a device's memory, as in fits=80GB or fits=24GiB")
        if self.fits is not None and len({*self.memory_batches}) < 2:
            raise ValueError(f"fits={self.fits} follows from two batch sizes: memory_batches=[1,2]")
        chosen_device(self.device)

    @classmethod
    def names(cls) -> list[str]:
        """The names of all options."""
        return [f.name for f in fields(cls)]

    @property
    def device_bytes(self) -> int | None:
        """``fits`` in bytes."""
        found = MEMORY.fullmatch(str(self.fits))
        return int(float(found[1]) * UNITS[found[2]]) if found else None

    @property
    def chosen_device(self) -> torch.device:
        """``auto`` decided."""
        return chosen_device(self.device)


def _whole(name: str, value: object, least: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ValueError(f"{name}={value} must be a whole number from {least} on")


def check_precision(precision: str, device: torch.device) -> None:
    """Refuse a precision that :mod:`timing` does not know or that the device does not have.

    Raises:
        ValueError: names the precisions that work.
    """
    known = [p for p in PRECISIONS if p != "16-mixed" or device.type == "cuda"]
    if precision not in known:
        raise ValueError(f"trainer.precision={precision} is not measured on {device.type}: take {', '.join(known)}")


def norm_name(norm: Plain) -> str:
    """The short name of a norm's node: ``spade``, ``clade_icpe``, ``mixed_4``."""
    name = str(norm["_target_"]).rsplit(".", 1)[-1].lower()
    if name != "mixed":
        return name
    low, high = norm_name(norm["low"]), norm_name(norm["high"])
    if low == high:
        return low
    inside = "" if (low, high) == ("spade", "clade") else f"_{low}_{high}"
    return f"mixed{inside}_{norm['transition']}"


def own_method(generator: Plain) -> tuple[str, Plain] | None:
    """Of a generator's node: its row of `GENERATORS`; None where it is one that only its norms make a method."""
    return GENERATORS.get(str(generator["_target_"]).rpartition(".")[2])


def network_name(cfg: Plain) -> str:
    """The short name of a configuration's network: that of its norm, or of a generator that is a method itself.

    Norms other than the published one follow: ``dagan_clade``.
    """
    own, norm = own_method(cfg["generator"]), norm_name(cfg["norm"])
    if own is None:
        return norm
    usual = PUBLISHED_NORMS.get(own[0], "spade")
    name = own[0] if norm == usual or "norm" not in cfg["generator"] else f"{own[0]}_{norm}"
    return NAMES.get(name, name)


def method(cfg: Plain) -> str | None:
    """What the papers call a configuration's network; None where it is none of theirs, in norm, width or size.

    Args:
        cfg: the resolved configuration.
    """
    generator, dataset = cfg["generator"], cfg["dataset"]["name"]
    own = own_method(generator)
    usual = {"z_dim": 0, "upsamplings": None, "fc_offsets": False, "out_channels": 3, **(own[1] if own else {})}
    if list(cfg["size"]) != PUBLISHED_SIZES.get(dataset) or any(generator.get(k, v) != v for k, v in usual.items()):
        return None
    name, norm = network_name(cfg), cfg["norm"] if "norm" in generator else {}
    if own is not None and own[0] in PUBLISHED_GROUPS:
        wanted = PUBLISHED_GROUPS[own[0]].get(dataset)
        return name if (generator["ngf"], generator["groups"]) == wanted else None
    if norm.get("hidden", 128) != 128 or norm.get("kernel_size", 3) != 3:
        return None
    if name == "spade" and (dataset, generator["ngf"]) == (cfg["recipe"]["name"], cfg["recipe"]["light_ngf"]):
        return "spade_light"
    return name if generator["ngf"] == 64 else None


def facts(cfg: Plain) -> Plain:
    """What of a configuration the costs depend on, and its published name."""
    return {
        "dataset": cfg["dataset"]["name"], "norm": network_name(cfg), "size": list(cfg["size"]),
        "num_classes": cfg["dataset"]["num_classes"], "edges": cfg["dataset"]["edges"],
        "generator": cfg["generator"]["_target_"], "ngf": cfg["generator"].get("ngf"),
        "z_dim": cfg["generator"].get("z_dim", 0), "method": method(cfg),
    }
