import os
from copy import deepcopy
from functools import partial

import pytest
import torch
from peaks import peak_of
from torch import nn

from semsynth.complexity import memory
from semsynth.complexity.maps import batch_of_maps, semantics_of
from semsynth.generators.spade import SPADEGenerator
from semsynth.norms.clade import CLADE

pytestmark = pytest.mark.skipif(not memory.RESET.exists(), reason="needs /proc")
CPU = torch.device("cpu")
MB = 2 ** 20


def test_a_peak_is_seen_after_it_is_over():
    # each in a process of its own, as the tool does: where one holds gigabytes the system may reclaim as much meanwhile
    large, small = (memory.in_child(partial(peak_of, megabytes)) for megabytes in (256, 32))
    assert 200 * MB < large < 320 * MB  # the resident set counts pages of files, which may be reclaimed
    assert small < 64 * MB


def maps(n):
    return semantics_of(batch_of_maps("regions", n, (64, 64), 5, instances=False, offsets=None), 5)


def test_inference_needs_more_for_a_larger_batch():
    build = partial(SPADEGenerator, CLADE, 5, size=(64, 64), ngf=8)
    given = {"device": "cpu", "threads": 1, "precision": "32-true"}
    # each in a process of its own, as the tool does: here memory that earlier tests freed would serve again
    small, large = (memory.in_child(partial(memory.inference_peak, build, partial(deepcopy, maps(n)), **given))
                    for n in (1, 32))
    # at least one feature of the last block: 8 channels x 64 x 64 float32 an image
    assert large - small > 31 * 8 * 64 * 64 * 4


def test_two_images_need_more_than_one():
    """What a first pass loads, and memory that serves again, were more than the pictures of a small network."""
    build = partial(SPADEGenerator, CLADE, 5, size=(64, 64), ngf=16)
    one, two = (memory.in_child(partial(memory.inference_peak, build, partial(deepcopy, maps(n)), device="cpu",
                                        threads=1, precision="32-true")) for n in (1, 2))
    assert 2 * 16 * 64 * 64 * 4 < one < two < 3 * one
    assert one < 15 * MB  # some features, not the libraries


def test_weights_are_all_that_moves_with_a_module():
    class Hides(nn.Module):
        def __init__(self):
            super().__init__()
            self.seen, self.hidden = nn.Linear(3, 5), [nn.Linear(4, 7, bias=False)]
            self.same = self.seen.weight

        def _apply(self, fn, recurse=True):
            self.hidden[0]._apply(fn, recurse)
            return super()._apply(fn, recurse)

    assert memory.weight_bytes(Hides()) == 4 * (3 * 5 + 5 + 4 * 7)


def test_a_process_of_its_own():
    process, answer = memory.in_child(partial(eval, "__import__('os').getpid(), 2 ** 5"))
    assert answer == 32
    assert process != os.getpid()


@pytest.mark.parametrize(("action", "error", "words"), [
    (partial(memory.resident, "VmNothing"), memory.MemoryUnknown, "does not say VmNothing"),
    (partial(os._exit, 3), memory.MemoryUnknown, "ended with code 3.*memory_batches"),
    (partial(int, "x"), RuntimeError, "invalid literal"),
])
def test_what_goes_wrong_there_is_told_here(action, error, words):
    with pytest.raises(error, match=f"(?s){words}"):
        memory.in_child(action)


def test_without_proc(monkeypatch, tmp_path):
    monkeypatch.setattr(memory, "STATUS", tmp_path / "status")
    with pytest.raises(memory.MemoryUnknown, match=r"set memory=false, or measure on Linux or on a CUDA device"):
        memory.resident("VmRSS")
