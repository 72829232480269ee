import pickle

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from semsynth.semantics import Reading, Semantics
from semsynth.semantics.packed import Packed

NEEDS = {"classes", "patches", "patches with edges"}


def prepared(backward=True):
    labels = torch.randint(0, 3, (2, 4, 4)).repeat_interleave(16, 1).repeat_interleave(16, 2)
    edges, offsets = (labels[:, None] == 0).float(), torch.rand(2, 2, 64, 64)
    with torch.set_grad_enabled(backward):
        return Semantics(labels, 3, edges, offsets).prepare([Reading(h, h, NEEDS) for h in (16, 32, 64)])


def tensors(item):
    found = []
    item.map(lambda t: found.append(t) or t)
    return found


class _Pair:
    def __init__(self, first, second):
        self.first, self.second = first, second

    def map(self, change):
        return _Pair(change(self.first), change(self.second))


class Copies(TorchDispatchMode):
    """Counts what is copied from one device to another."""

    count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        moved = isinstance(out, torch.Tensor) and isinstance(args[0], torch.Tensor) and out.device != args[0].device
        self.count += moved or (func is torch.ops.aten.copy_.default and args[0].device != args[1].device)
        return out


@pytest.mark.parametrize("backward", [True, False])
def test_the_same_comes_out(backward):
    maps = prepared(backward)
    packed = Packed.of(maps)
    out = packed.unpacked()
    before, after = tensors(maps), tensors(out)
    assert len(before) == len(after) >= 30
    for a, b in zip(before, after, strict=True):
        assert a.dtype == b.dtype
        assert torch.equal(a, b)
        assert b.is_contiguous()
        assert b.data_ptr() % 64 == 0
        assert b.untyped_storage().data_ptr() == packed.buffer.untyped_storage().data_ptr()
    assert out.num_classes == 3
    assert len(out.at(32, 32).patches(edges=True).lookup) == len(maps.at(32, 32).patches(edges=True).lookup)
    assert (out.by_class().pieces is None) != backward


def test_places_do_not_overlap():
    maps = prepared()
    packed = Packed.of(maps)
    for t in tensors(packed.unpacked()):
        t.zero_()
    filled = {}
    for t in tensors(packed.unpacked()):
        if t.data_ptr() not in filled:
            assert not t.any()
            filled[t.data_ptr()] = t.fill_(1).nbytes
    total = sum(filled.values())
    assert total <= len(packed.buffer) <= total + 64 * len(filled)


def test_what_shows_the_same_values_is_kept_once():
    maps = Packed.of(prepared()).unpacked()
    patches = maps.patches(edges=True)
    assert patches.near.data_ptr() == patches.near_back.index.data_ptr()
    assert patches.near.shape == (len(patches.near_back.index) // 9, 9)
    labels = torch.arange(16).view(1, 4, 4)
    for other in (labels, labels.mT, labels[:, :2]):  # as it stands, turned, a part
        pair = Packed.of(_Pair(labels, other)).unpacked()
        assert torch.equal(pair.first, labels)
        assert torch.equal(pair.second, other)


@pytest.mark.parametrize("of", [Packed.of, lambda maps: maps])
def test_going_to_a_device_is_one_copy(of):
    item = of(prepared())
    with Copies() as copies:
        there = item.to("meta")
    assert copies.count == 1
    maps = there.unpacked() if isinstance(there, Packed) else there
    assert {t.device.type for t in tensors(maps)} == {"meta"}
    with Copies() as copies:
        prepared().map(lambda t: t.to("meta"))
    assert copies.count > 30  # what one buffer saves


def test_soft_maps_keep_their_gradients_on_another_device():
    logits = torch.randn(1, 3, 8, 8, requires_grad=True)
    maps = Semantics.from_probabilities(logits.softmax(1)).prepare([(4, 4)])
    assert maps.to("meta").at(4, 4).probabilities.requires_grad
    assert maps.to("cpu") is maps


def test_another_process_gets_one_segment():
    packed = Packed.of(prepared())
    again = pickle.loads(pickle.dumps(packed))
    assert torch.equal(again.buffer, packed.buffer)
    assert len(pickle.dumps(again)) < len(packed.buffer) + 20000  # no tensor beside the buffer
    for a, b in zip(tensors(packed.unpacked()), tensors(again.unpacked()), strict=True):
        assert torch.equal(a, b)
    reading = pickle.loads(pickle.dumps(Reading(4, 8, {"classes"})))
    assert (reading, reading.needs) == ((4, 8), {"classes"})
