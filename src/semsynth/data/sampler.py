"""A sampler whose order depends on (seed, epoch) alone, so that a run can continue in the middle of an epoch."""

from collections.abc import Callable, Iterator

import numpy as np
from torch.utils.data import Sampler

from semsynth.chance import stream
from semsynth.data.spread import spread_order


class ResumableSampler(Sampler[int]):
    """Indices of one rank, in an order drawn from (seed, epoch).

    Rank r of W takes every W-th index of the common order, starting at r. Ranks get equally many samples: a shuffled
    (training) order drops the remainder, a fixed (validation) order repeats its first samples.

    Args:
        length: Samples in the data set.
        seed: Seed of the order.
        shuffle: Draw a new order every epoch; otherwise a fixed one, every beginning of which is spread over the data
            set, so that a few validation batches of a video are not a few frames of one street.
        rank: This process, in [0, world).
        world: Processes that share the data set.
        on_epoch: Called with the epoch by `set_epoch`: the data set's own `set_epoch`, so that one call reaches both.

    Raises:
        ValueError: an empty data set, or a rank outside [0, world).
    """

    def __init__(
        self,
        length: int,
        seed: int = 0,
        shuffle: bool = True,
        rank: int = 0,
        world: int = 1,
        on_epoch: Callable[[int], None] | None = None,
    ) -> None:
        if length < 1:
            raise ValueError(f"length must be >= 1, got {length}")
        if not 0 <= rank < world:
            raise ValueError(f"rank must be in [0, {world}), got {rank}")
        self.length, self.seed, self.shuffle, self.rank, self.world = length, seed, shuffle, rank, world
        self.on_epoch = on_epoch
        self.epoch = 0
        self._skip = 0

    def __len__(self) -> int:
        """Samples of this rank in a whole epoch, whatever is skipped."""
        return self.length // self.world if self.shuffle else -(-self.length // self.world)

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch (from 0) of the following iterations; a skip ends with its epoch."""
        if epoch != self.epoch:
            self._skip = 0
        self.epoch = epoch
        if self.on_epoch is not None:
            self.on_epoch(epoch)

    def skip(self, samples: int) -> None:
        """Leave out the first `samples` of the common order in the epoch that is set: all ranks together saw them.

        Raises:
            ValueError: more than the data set holds.
        """
        if not 0 <= samples <= self.length:
            raise ValueError(f"cannot skip {samples} samples of an epoch of {self.length}")
        self._skip = samples

    def __iter__(self) -> Iterator[int]:
        """Yield the indices that are left of the current epoch."""
        if self.shuffle:
            order = stream("order of the samples", self.seed, self.epoch).permutation(self.length)
        else:  # np.resize repeats from the start where it must
            order = np.resize(np.array(spread_order(self.length)), len(self) * self.world)
        order = order[self._skip:]
        order = order[:len(order) // self.world * self.world]
        yield from order[self.rank :: self.world].tolist()
        self._skip = 0
