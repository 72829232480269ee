"""What tensors a training step holds at each of its operations: a law of peak memory for every batch size.

Counted as the allocator of a GPU counts, on a CPU, without noise: bytes of the storages that are alive, of which there
are as many on any device as long as it computes the same operations.
"""

from __future__ import annotations

import logging
import os
import warnings
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map_only
from torch.utils.data import DataLoader

from semsynth.complexity.memory import MemoryUnknown, weight_bytes
from semsynth.semantics.samples import SampleBatch

if TYPE_CHECKING:
    import pytorch_lightning as pl


AVERAGED = ("generator", "encoder", "segmenter")  # of a training system
LOST = 0.02  # share of a peak that a law may miss in the batches that it is made of


class LiveBytes(TorchDispatchMode):
    """Inside, follow the storages that are made there.

    `now` are the bytes alive, `made` those that were made so far; `course` holds each operation that made storages, and
    the bytes alive after it. (Others may be of any number: on a CPU some go over a batch in stretches.)

    What was there before is not counted, also where it is written to. Backward passes on a CPU are followed, too; on
    a GPU they run in another thread, which is not.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now = 0
        self.made = 0
        self.course: list[tuple[str, int]] = []
        self._known: dict[int, weakref.ref[Any]] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        tree_map_only(torch.Tensor, partial(self._see, counts=False), (args, kwargs))
        made, before = func(*args, **kwargs), self.made
        tree_map_only(torch.Tensor, partial(self._see, counts=True), made)
        if self.made > before:
            self.course.append((str(func), self.now))
        return made

    def _see(self, tensor: torch.Tensor, counts: bool) -> torch.Tensor:
        storage = tensor.untyped_storage()
        key = id(storage)
        if key not in self._known:
            size = storage.nbytes() if counts else 0
            self._known[key] = weakref.ref(storage, partial(self._gone, key, size))
            self.now += size
            self.made += size
        return tensor

    def _gone(self, key: int, size: int, _: object) -> None:
        del self._known[key]
        self.now -= size


@dataclass(frozen=True)
class Course:
    """What training holds above its networks' weights.

    Attributes:
        before: Bytes when the second iteration begins: optimizer states and the batch.
        operations: The names of those of its operations that make tensors, T of them.
        live: Bytes after each, (T,) int64.
        weights: Bytes of all networks.
        averaged: Bytes of those of which a moving average may be kept.
    """

    before: int
    operations: tuple[str, ...]
    live: np.ndarray
    weights: int
    averaged: int


def course(system: Callable[[], pl.LightningModule], batch: Callable[[], SampleBatch], *, threads: int,
           precision: str) -> Course:
    """Follow the second of two training iterations, on the CPU; call it by `memory.measured`.

    Args:
        system: Builds the LightningModule.
        batch: Makes a batch as the loaders give it.
        threads: Threads of the CPU.
        precision: Of the trainer.
    """
    import pytorch_lightning as pl  # takes seconds, and is not needed for the rest

    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    torch.set_num_threads(threads)
    live = LiveBytes()

    class Begin(pl.Callback):
        before = first = 0

        def on_train_batch_start(self, *_: object) -> None:
            self.before, self.first = live.now, len(live.course)

    begin = Begin()
    trainer = pl.Trainer(accelerator="cpu", devices=1, precision=precision,  # type: ignore[arg-type]
                         max_epochs=1, logger=False, enable_checkpointing=False, enable_progress_bar=False,
                         enable_model_summary=False, default_root_dir=os.devnull, callbacks=[begin])
    module, batches = system(), [batch(), batch()]
    weights = weight_bytes(module)
    averaged = sum(weight_bytes(part) for part in (getattr(module, name, None) for name in AVERAGED)
                   if isinstance(part, torch.nn.Module))
    with warnings.catch_warnings(), live:
        warnings.simplefilter("ignore")  # advice about loaders, of which there are none
        trainer.fit(module, train_dataloaders=DataLoader(batches, batch_size=None))  # type: ignore[arg-type]
    names, after = zip(*live.course[begin.first:], strict=True)
    return Course(begin.before, names, np.array(after), weights, averaged)


@dataclass(frozen=True)
class Law:
    """Peak bytes of a training step above the weights, for any batch size.

    Each operation holds `fixed` bytes and `each` for every sample; which of them holds most depends on the batch:
    gradients at its end where it is small, activations where it is large.

    Attributes:
        fixed: (T,) int64.
        each: (T,) int64.
        states: Of the optimizers; they are in `fixed`.
        weights: Of all networks, which come on top.
        averaged: Of those of which a moving average may be kept, which comes on top of that.
    """

    fixed: np.ndarray
    each: np.ndarray
    states: int
    weights: int
    averaged: int

    @classmethod
    def of(cls, sizes: tuple[int, int], courses: tuple[Course, Course]) -> Law:
        """The law of two batch sizes, from the operations that both have.

        Label maps are prepared one by one, and small features are computed otherwise than large ones.

        Raises:
            MemoryUnknown: the peak of one of the two is not among them.
        """
        (small, large), (one, two) = sizes, courses
        both = np.array(_common(one.operations, two.operations), dtype=np.int64).reshape(-1, 2)
        first, second = one.live[both[:, 0]], two.live[both[:, 1]]
        if small == large or any(at.max(initial=0) < (1 - LOST) * whole.live.max()
                                 for at, whole in ((first, one), (second, two))):
            raise MemoryUnknown(f"no law follows from memory_batches={[small, large]}, which are computed by other "
                                f"operations: take two others")
        each = (second - first) // (large - small)
        states = one.before - (two.before - one.before) * small // (large - small)
        return cls(first - each * small, each, states, one.weights, one.averaged)

    def peak(self, batch: int) -> int:
        """Bytes above the weights for this many samples."""
        return int((self.fixed + self.each * batch).max())

    def at_peak(self, batch: int) -> tuple[int, int]:
        """Bytes there beside optimizer states and weights: those that do not depend on the batch, and of a sample."""
        where = int((self.fixed + self.each * batch).argmax())
        return int(self.fixed[where]) - self.states, int(self.each[where])


def _common(one: Sequence[str], two: Sequence[str]) -> list[tuple[int, int]]:
    """Places of the entries that two sequences have in common, in their order."""
    blocks = SequenceMatcher(None, one, two, autojunk=False).get_matching_blocks()
    return [(a + i, b + i) for a, b, length in blocks for i in range(length)]
