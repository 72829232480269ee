"""Processes that train together, pretended by threads of one: as much of torch.distributed as sums need."""

import threading
from concurrent.futures import ThreadPoolExecutor

import torch


def in_processes(monkeypatch, works):
    """What functions return that run as processes beside each other, in the order of their ranks."""
    here, meeting = threading.local(), threading.Barrier(len(works))
    given = [None] * len(works)

    def all_reduce(tensor):
        given[here.rank] = tensor.clone()
        meeting.wait(10)
        tensor.copy_(torch.stack(given).sum(0))
        meeting.wait(10)

    def as_process(rank):
        here.rank = rank
        return works[rank]()

    with monkeypatch.context() as patch:
        for name, function in (("is_initialized", lambda: True), ("get_rank", lambda: here.rank),
                               ("get_world_size", lambda: len(works)), ("all_reduce", all_reduce)):
            patch.setattr(torch.distributed, name, function)
        with ThreadPoolExecutor(len(works)) as pool:
            return list(pool.map(as_process, range(len(works))))
