"""Peak memory of a generator's forward pass and of a training step, measured in a process of its own."""

from __future__ import annotations

import gc
import logging
import multiprocessing
import os
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import torch
from torch import nn
from torch.utils.data import DataLoader

from semsynth.complexity.timing import autocast
from semsynth.interfaces import Generator
from semsynth.semantics import Semantics
from semsynth.semantics.samples import SampleBatch

if TYPE_CHECKING:
    import pytorch_lightning as pl

T = TypeVar("T")

STATUS = Path("/proc/self/status")
RESET = Path("/proc/self/clear_refs")
# glibc gives back what is freed at once: else memory freed before the measurement serves again and is not seen
MALLOC = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}


class MemoryUnknown(RuntimeError):
    """Memory cannot be measured here; the message says why."""


@dataclass
class Peak:
    """Bytes above the state before, filled in when the measurement ends."""

    bytes: int = 0


def resident(field: str) -> int:
    """Bytes of a line of /proc/self/status: ``VmRSS``, resident now, or ``VmHWM``, its highest value since the reset.

    Raises:
        MemoryUnknown: the system has no such file or line.
    """
    try:
        lines = STATUS.read_text().splitlines()
    except OSError as error:
        raise MemoryUnknown(f"CPU memory is read from {STATUS}, which this system does not have ({error.strerror}): "
                            f"set memory=false, or measure on Linux or on a CUDA device") from error
    for line in lines:
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024
    raise MemoryUnknown(f"{STATUS} of this system does not say {field}: set memory=false")


@contextmanager
def peak_above_now(device: torch.device) -> Iterator[Peak]:
    """Measure the highest memory inside, above what is in use at its beginning.

    On the CPU the resident set; on CUDA what PyTorch's allocator has handed out.

    Raises:
        MemoryUnknown: the system does not tell.
    """
    peak = Peak()
    gc.collect()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        yield peak
        torch.cuda.synchronize(device)
        peak.bytes = torch.cuda.max_memory_allocated(device) - before
        return
    before = resident("VmRSS")
    try:
        RESET.write_text("5")  # sets the highest value to the present one
    except OSError as error:
        raise MemoryUnknown(f"the peak of CPU memory cannot be reset through {RESET} ({error.strerror}): set "
                            f"memory=false") from error
    yield peak
    peak.bytes = max(0, resident("VmHWM") - before)


# ---- in a process of its own


def in_child(measure: Callable[[], T]) -> T:
    """Run a picklable function in a fresh process and return its result: no memory of this one is reused there.

    Raises:
        MemoryUnknown: it raised that, or the process was killed (memory ran out).
        RuntimeError: it failed; the message holds the child's traceback.
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    child = context.Process(target=_run, args=(measure, there), daemon=True)
    before = {key: os.environ.get(key) for key in MALLOC}
    os.environ.update(MALLOC)
    try:
        child.start()
    finally:
        for key, value in before.items():
            os.environ.pop(key) if value is None else os.environ.update({key: value})
    there.close()
    try:
        kind, value = here.recv()
    except EOFError:
        child.join()
        raise MemoryUnknown(f"the measuring process ended with code {child.exitcode} (-9: killed, memory ran out): "
                            f"take smaller memory_batches") from None
    finally:
        child.join()
    if kind == "unknown":
        raise MemoryUnknown(value)
    if kind == "failed":
        raise RuntimeError(f"the measuring process failed:\n{value}")
    found: T = value
    return found


def _run(measure: Callable[[], object], pipe: Connection) -> None:
    try:
        pipe.send(("value", measure()))
    except (MemoryUnknown, torch.cuda.OutOfMemoryError) as error:
        pipe.send(("unknown", str(error)))
    except Exception:
        pipe.send(("failed", traceback.format_exc()))


def inference_peak(generator: Callable[[], Generator], batch: Callable[[], Semantics], *, device: str, threads: int,
                   precision: str) -> int:
    """Bytes that one forward pass in evaluation mode needs above network and label maps; call it by `in_child`.

    Args:
        generator: builds the generator.
        batch: makes a batch of label maps on the CPU.
        device: ``cpu`` or ``cuda``.
        threads: threads of the CPU.
        precision: see :mod:`timing`.
    """
    torch.set_num_threads(threads)
    where = torch.device(device)
    network = generator().to(where).eval()
    for _ in range(2):  # the first pass loads libraries, 20 MB and more that have nothing to do with the network
        semantics = batch().to(where)
        with torch.inference_mode(), autocast(where, precision), peak_above_now(where) as peak:
            network(network.prepare(semantics))
    return peak.bytes


def training_peak(system: Callable[[], pl.LightningModule], batch: Callable[[], SampleBatch], *, device: str,
                  threads: int, precision: str, steps: int = 2) -> tuple[int, int]:
    """Bytes that training needs above the networks' weights (activations, gradients, optimizer states), and of these.

    Runs whole iterations of the system, as training does, on one batch; call it by `in_child`.

    Args:
        system: builds the LightningModule.
        batch: makes a batch as the loaders give it.
        device: ``cpu`` or ``cuda``.
        threads: threads of the CPU.
        precision: of the trainer.
        steps: iterations; the second holds the optimizers' states from its beginning.
    """
    import pytorch_lightning as pl  # takes seconds, and is not needed for the rest

    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    torch.set_num_threads(threads)
    where = torch.device(device)
    trainer = pl.Trainer(accelerator="gpu" if device == "cuda" else device, devices=1, precision=precision,  # type: ignore[arg-type]
                         max_epochs=1, logger=False, enable_checkpointing=False, enable_progress_bar=False,
                         enable_model_summary=False, default_root_dir=os.devnull)
    module, batches = system(), [batch()] * steps
    weights = weight_bytes(module)
    if device == "cuda":
        module.to(where)  # what is there before the training
    with warnings.catch_warnings(), peak_above_now(where) as peak:
        warnings.simplefilter("ignore")  # advice about loaders, of which there are none
        trainer.fit(module, train_dataloaders=DataLoader(batches, batch_size=None))  # type: ignore[arg-type]
    return peak.bytes, weights


def weight_bytes(module: nn.Module) -> int:
    """Bytes of all that moves with a module: parameters, buffers, and networks that it hides from its state dict."""
    found: dict[int, int] = {}

    def visit(tensor: torch.Tensor) -> torch.Tensor:
        found[tensor.data_ptr()] = tensor.nbytes
        return tensor

    module._apply(visit)
    return sum(found.values())


def measured(measure: Callable[..., T], **given: object) -> T:
    """`measure(**given)` in a process of its own."""
    return in_child(partial(measure, **given))
