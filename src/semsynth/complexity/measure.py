"""Everything that is measured about one configuration, as one record."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import version
from typing import Any

import numpy as np
import torch
from torch import nn

from semsynth.complexity import counting, fitting, live, memory
from semsynth.complexity.formulation import ONE_FORM, build_generator, build_system, has_one_form
from semsynth.complexity.layers import Layer, network_work, walk
from semsynth.complexity.maps import batch_of_maps, distinct_patches, empty_semantics, semantics_of
from semsynth.complexity.setting import Options, check_precision
from semsynth.complexity.timing import Progress, Timing, norm_layers, time_generator
from semsynth.device import hardware
from semsynth.interfaces import Generator
from semsynth.semantics import Semantics
from semsynth.semantics.samples import SampleBatch

Record = dict[str, Any]


@dataclass(frozen=True)
class Parts:
    """The networks of a configuration as functions that build them; they are called in other processes, too.

    Attributes:
        generator: builds the generator.
        discriminator: builds the discriminator, or None.
        encoder: builds the encoder, or None.
        system: builds the LightningModule, for the memory of a training step; None: not measured.
        size: (H, W).
        num_classes: label channels.
        instances: whether the data set has instance maps.
        offsets: makes positional offsets of a label map, or None.
        precision: of the trainer.
        compile: whether the generator is compiled.
        average: whether training keeps moving averages.
        recipe_batch: samples of an optimizer step as published.
    """

    generator: Callable[[], Generator]
    discriminator: Callable[[], nn.Module | None]
    encoder: Callable[[], nn.Module | None]
    system: Callable[[], Any] | None
    size: tuple[int, int]
    num_classes: int
    instances: bool
    offsets: Callable[[np.ndarray], np.ndarray] | None
    precision: str = "32-true"
    compile: bool = False
    average: bool = False
    recipe_batch: int = 1

    @classmethod
    def of(cls, config: Mapping[str, Any], build: Callable[[Any], Any]) -> Parts:
        """Those of a training's configuration, in plain values; `build` makes an object of a node."""
        generator, discriminator, encoder, system = (
            partial(build, config[part]) for part in ("generator", "discriminator", "encoder", "system"))
        height, width = config["size"]
        return cls(generator, discriminator, encoder, system, (height, width), config["dataset"]["num_classes"],
                   config["dataset"]["instances"], build(config["icpe"]) if config["icpe"]["enabled"] else None,
                   config["trainer"]["precision"], config["compile"], config["recipe"].get("ema") is not None,
                   config["recipe"].get("batch", 1))

    def batch(self, options: Options, count: int, seed: int = 0) -> SampleBatch:
        """A batch such as a loader gives."""
        return batch_of_maps(options.labels, count, self.size, self.num_classes, instances=self.instances,
                             offsets=self.offsets, seed=seed)


def measure(parts: Parts, options: Options, setting: Record, progress: Progress | None = None) -> Record:
    """Count, time, and measure memory.

    Args:
        parts: the networks.
        options: what to measure and how.
        setting: facts of the configuration, kept in the record.
        progress: shows how far it has come.

    Returns:
        ``format``, ``count``, ``formulation`` (of ``runtime`` and ``memory``; `ONE_FORM` where there is one form),
        ``parameters``, ``macs``, ``macs_bias``, ``elementwise``, ``ratios``, ``networks``, ``layers``, ``runtime``,
        ``memory``, ``fits``, ``setting``, ``skipped`` (what is not there, and why), ``code``.

    Raises:
        ValueError: a precision that the device does not have.
        CountError: the generator cannot be counted.
    """
    if options.runtime or options.memory:
        check_precision(parts.precision, options.chosen_device)
    with torch.device("meta"):
        formulation = ONE_FORM if has_one_form(parts.generator()) else options.formulation
    record: Record = {"format": 1, "count": options.count, "formulation": formulation, **count(parts)}
    skipped: dict[str, str] = {}
    if options.runtime:
        record["runtime"], why = runtime(parts, options, progress)
        skipped |= {"runtime/norm_s": why} if why else {}
    else:
        skipped["runtime"] = "runtime=false"
    if options.memory:
        try:
            record["memory"] = peaks(parts, options, progress)
        except memory.MemoryUnknown as error:
            skipped["memory"] = str(error)
    else:
        skipped["memory"] = "memory=false"
    if options.device_bytes is not None:
        try:
            record["fits"] = fits(parts, options, options.device_bytes, progress)
        except memory.MemoryUnknown as error:
            skipped["fits"] = str(error)
    return record | {"setting": setting, "skipped": skipped, "code": f"semsynth {version('semsynth')}"}


# ---- counts


def count(parts: Parts) -> Record:
    """Parameters, multiply-accumulates and ratios, of networks without memory."""
    semantics = empty_semantics(parts.size, parts.num_classes)
    with torch.device("meta"):
        generator, discriminator = parts.generator(), parts.discriminator()
    layers = walk(generator, semantics)
    image = torch.empty(1, 3, *parts.size, device="meta")
    networks = {} if discriminator is None else {"discriminator": _whole(discriminator, semantics, image)}
    if (encoder := parts.encoder()) is not None:
        networks["encoder"] = _of_encoder(encoder, parts)
    return {
        "parameters": counting.parameters(layers), **{name: add(layers) for name, add in counting.COUNTS.items()},
        "elementwise": counting.elementwise(layers),
        "ratios": {name: counting.total_ratio(layers, name) for name in counting.CONVENTIONS},
        "networks": networks, "layers": rows(layers),
    }


def _of_encoder(encoder: Any, parts: Parts) -> dict[str, int]:
    """With memory: some number the instances of the label map, or cut classes out."""
    semantics = Semantics(torch.zeros(1, *parts.size, dtype=torch.int64), parts.num_classes)
    return _whole(encoder.eval(), torch.zeros(1, 3, *parts.size), semantics, call=encoder.encode)


def _whole(network: nn.Module, *inputs: object, call: Callable[..., object] | None = None) -> dict[str, int]:
    macs, additions = network_work(network, *inputs, call=call)
    return {"parameters": sum(p.numel() for p in network.parameters()), "macs": macs, "macs_bias": macs + additions}


def rows(layers: list[Layer]) -> list[Record]:
    """A row for each layer; a norm's has its ratios to the convolution that follows, in both conventions."""
    found: dict[str, Record] = {}
    for name in counting.CONVENTIONS:
        for ratio in counting.ratios(layers, name):
            row = found.setdefault(ratio.norm, {"conv": ratio.conv})
            row[name] = {"parameters": ratio.parameters, "macs": ratio.macs}
    return [asdict(layer) | {"size": list(layer.size), "ratios": found.get(layer.name)} for layer in layers]


# ---- time


def runtime(parts: Parts, options: Options, progress: Progress | None) -> tuple[Record, str | None]:
    """Seconds for an image with all that the number depends on, and why it is not taken apart, where it is not."""
    device = options.chosen_device
    threads = torch.get_num_threads()
    torch.set_num_threads(options.threads)
    try:
        generator = build_generator(parts.generator, options.formulation).to(device)
        if parts.compile:
            generator.compile()
        batches = [parts.batch(options, options.batch, seed) for seed in range(options.warmup + options.repeats)]
        maps = [partial(semantics_of, batch, parts.num_classes, device) for batch in batches]
        timing = time_generator(generator, maps, device=device, precision=parts.precision, warmup=options.warmup,
                                split=not parts.compile, progress=progress)
    finally:
        torch.set_num_threads(threads)
    patches = [distinct_patches(batch["labels"][0]) for batch in batches[options.warmup:]]
    record = _in_words(timing) | {
        "cpu_s": timing.processor if device.type == "cpu" else None,
        "device": device.type, "hardware": hardware(device), "threads": options.threads, "batch": options.batch,
        "precision": parts.precision, "tf32": device.type == "cuda" and torch.backends.cudnn.allow_tf32,
        "compile": parts.compile, "labels": options.labels, "distinct_patches": float(np.median(patches)),
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None, "torch": torch.__version__,
    }
    if timing.norm is not None:
        return record, None
    return record, ("a compiled network cannot be taken apart: compile=false" if parts.compile
                    else "the network computes its norms outside of the norm layers" if norm_layers(generator)
                    else "the network has no norm that reads label maps")


def _in_words(timing: Timing) -> Record:
    return {"median_s": timing.median, "spread_s": timing.spread, "norm_s": timing.norm,
            "backbone_s": timing.backbone, "labels_s": timing.labels, "repeats": timing.repeats}


# ---- memory


def semantics_for(parts: Parts, options: Options, count: int) -> Semantics:
    """A batch of label maps (in the measuring process)."""
    return semantics_of(parts.batch(options, count), parts.num_classes)


def peaks(parts: Parts, options: Options, progress: Progress | None) -> Record:
    """Peak bytes against batch size, for inference and training, each in a process of its own.

    Raises:
        memory.MemoryUnknown: the system does not tell, or memory ran out.
    """
    device = options.chosen_device.type
    if device == "cpu":
        memory.resident("VmHWM")  # said at once where it does not exist
    same = {"device": device, "threads": options.threads, "precision": parts.precision}
    generators = partial(build_generator, parts.generator, options.formulation)
    jobs: list[tuple[str, int, Callable[[], Any]]] = [
        ("inference", n, partial(memory.measured, memory.inference_peak, generator=generators,
                                 batch=partial(semantics_for, parts, options, n), **same))
        for n in options.memory_batches]
    if options.training and parts.system is not None:
        systems = partial(build_system, parts.system, options.formulation)
        jobs += [("training", n, partial(memory.measured, memory.training_peak, system=systems,
                                         batch=partial(parts.batch, options, n), **same))
                 for n in options.memory_batches]
    with torch.device("meta"):
        generator = parts.generator()
        if options.training and parts.system is not None:
            try:
                generator.check_batch(min(options.memory_batches))
            except ValueError as error:
                raise memory.MemoryUnknown(f"memory_batches={list(options.memory_batches)}: {error}") from error
    weights_of_generator = sum(t.nbytes for t in (*generator.parameters(), *generator.buffers()))
    found: Record = {"inference": [], "training": []}
    for mode, n, job in progress(jobs, "memory") if progress else jobs:
        peak, weights = job() if mode == "training" else (job(), weights_of_generator)
        found[mode].append({"batch": n, "peak_bytes": peak, "weights_bytes": weights})
    of = "resident set" if device == "cpu" else "allocator"
    return found | {"device": device, "precision": parts.precision, "of": of}


def fits(parts: Parts, options: Options, device: int, progress: Progress | None) -> Record:
    """What a GPU of so many bytes can train, see :mod:`fitting`.

    Raises:
        memory.MemoryUnknown: memory ran out, or no law follows.
    """
    if parts.system is None:
        raise memory.MemoryUnknown("there is no training to measure")
    small, large = sorted({*options.memory_batches})[-2:]
    systems = partial(build_system, parts.system, options.formulation)
    jobs = [partial(memory.measured, live.course, system=systems, batch=partial(parts.batch, options, n),
                    threads=options.threads, precision=parts.precision) for n in (small, large)]
    one, two = (job() for job in (progress(jobs, "fits") if progress else jobs))
    law = live.Law.of((small, large), (one, two))
    return fitting.fitted(law, device, parts.recipe_batch, parts.average) | {"memory_batches": [small, large]}
