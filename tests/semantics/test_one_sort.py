"""The distinct patches as an accelerator finds them, on the CPU and on a CUDA device that only has shapes."""

import pytest
import torch
import torch.nn.functional as F
from torch._subclasses.fake_tensor import FakeTensorMode

from semsynth.semantics import Reading, Semantics, one_sort, patches
from semsynth.semantics.distinct import Windows
from semsynth.semantics.patches import Codes, Patches


@pytest.fixture
def reads(monkeypatch):
    """Treat the CPU as an accelerator; the number of scalars read at each wait."""
    found = []
    original = one_sort._on_host

    def read(scalars):
        found.append(len(scalars))
        return original(scalars)

    monkeypatch.setattr(one_sort, "_on_host", read)
    monkeypatch.setattr(patches, "_HOSTS", ())
    return found


def blobs(count, h=30, w=23, n=2):
    return F.interpolate(torch.randint(0, count, (n, 1, 3, 2)).float(), (h, w)).long()[:, 0]


def spelled(found):
    """(P,9,9): the 3x3 patches around the inner positions of each pixel's patch, whatever they are numbered."""
    codes = F.pad(found.codes, (0, 0, 0, 1), value=-1)
    return codes[found.near // 9][found.lookup.index]


def on_the_host(maps, count, backward):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(patches, "_HOSTS", ("cpu",))
        return Patches.of(maps, count, backward=backward)


@pytest.mark.parametrize("mix", [None, 0])
def test_equals_the_host_s_up_to_numbers(reads, monkeypatch, mix):
    if mix is not None:  # every key collides
        monkeypatch.setattr(one_sort, "_MIX", mix)
    wanted = [Codes(blobs(6), 6), Codes(blobs(300, 24, 40, 3), 300), Codes(blobs(4), 4)]
    found = Patches.of_each(wanted, backward=True)
    assert len(reads) == 1
    for codes, own in zip(wanted, found, strict=True):
        host = on_the_host(codes.maps, codes.count, True)
        assert (len(own.lookup), len(own.codes)) == (len(host.lookup), len(host.codes))
        assert torch.equal(spelled(own), spelled(host))
        for lookup in (own.lookup, own.codes_back, own.near_back):
            pieces = lookup.pieces
            assert torch.equal(lookup.index[pieces.order.long()], lookup.index.sort()[0])
            begins = pieces.starts[pieces.rows.long()]
            assert torch.equal(begins.diff().long(), torch.bincount(lookup.index, minlength=len(lookup)))


def test_a_collision_alone_is_noticed(reads, monkeypatch):
    """Two windows that differ in one code share a key, all others have their own."""
    maps = blobs(3, 12, 12)
    maps[0, 5, 5] = 2 - maps[0, 4, 4].clamp_max(1)
    right = Patches.of(maps, 3, backward=False)
    original, done = one_sort._keys, []

    def keys(rows):
        made = original(rows)
        done.append(len(rows))
        other = (made != made[0]).nonzero()[0]
        made[made == made[other]] = made[0].clone()
        return made

    monkeypatch.setattr(one_sort, "_keys", keys)
    assert torch.equal(spelled(Patches.of(maps, 3, backward=False)), spelled(right))
    assert len(done) == 2


def test_maps_that_are_not_worthwhile_or_not_valid_are_left_out(reads):
    noise, flat = torch.randint(0, 50, (1, 16, 16)), torch.zeros(1, 16, 16).long()
    no, yes = torch.tensor(False), torch.tensor(True)
    found = Patches.of_each([Codes(noise, 50), Codes(flat, 3, no), Codes(flat, 5000), Codes(flat, 3, yes)],
                            backward=True)
    assert [f is None for f in found] == [True, True, True, False]
    assert len(reads) == 1
    assert Patches.of_each([], backward=True) == []


def test_more_maps_than_keys_can_tell_apart():
    windows = Windows(torch.arange(49).view(1, 7, 7) % 3, 3, 2)
    found, _ = one_sort.by_one_sort([windows] * 63)
    assert {len(distinct) for distinct in found} == {len({tuple(row) for row in windows.rows().tolist()})}
    with pytest.raises(ValueError, match="63 maps"):
        one_sort.by_one_sort([windows] * 64)


@pytest.mark.parametrize("needs", [{"classes"}, {"classes", "patches", "patches with edges"}])
def test_preparing_on_cuda_waits_once_at_most(monkeypatch, needs):
    """Whatever needs a value or a shape that depends on one raises on a fake device; so do mixed devices."""
    reads = []

    def read(scalars):
        assert all(s.device.type == "cuda" for s in scalars)
        maps = 2 * 2 * 3  # sides, kinds, sizes
        reads.append(len(scalars))
        return [0, *range(99, 100 * maps, 100), 1, 1, 1]

    monkeypatch.setattr(one_sort, "_on_host", read)
    with FakeTensorMode():
        labels = torch.zeros(2, 32, 32, dtype=torch.int64, device="cuda")
        edges = torch.zeros(2, 1, 32, 32, device="cuda")
        maps = Semantics(labels, 5, edges).prepare([Reading(h, h, needs) for h in (8, 16, 32)])
    assert reads == ([16] if "patches" in needs else [])
    if reads:
        found = maps.patches(edges=True)
        assert found.lookup.pieces.rows.device.type == found.near_back.pieces.order.device.type == "cuda"
        assert len(found.lookup) == 100
