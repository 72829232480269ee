import pytest
import torch
import torch.nn.functional as F

from semsynth.semantics import distinct as module
from semsynth.semantics.patches import Codes, Patches

WINDOW = [(i, j) for i in range(3) for j in range(3)]


def blobs(n=2, h=30, w=23, count=6):
    return F.interpolate(
        torch.randint(0, count, (n, 1, 3, 2)).float(), (h, w)).long()[:, 0]


def expected_patch(codes, count, n, y, x, radius):
    return F.pad(codes, (2, 2, 2, 2), value=count)[n, y + 2 - radius:y + 3 + radius, x + 2 - radius:x + 3 + radius]


@pytest.mark.parametrize("count", [6, 14, 300, 2000])
def test_patches_spell_what_surrounds_each_pixel(count):
    codes = blobs(count=count)
    patches = Patches.of(codes, count, backward=True)
    seen = {}
    for pixel, patch in enumerate(patches.lookup.index.tolist()):
        n, y, x = pixel // (30 * 23), pixel // 23 % 30, pixel % 23
        whole = tuple(expected_patch(codes, count, n, y, x, 2).flatten().tolist())
        assert seen.setdefault(whole, patch) == patch
        if len(seen) <= 40:
            for k, (i, j) in enumerate(WINDOW):
                t, place = divmod(patches.near[patch, k].item(), 9)
                yy, xx = y + i - 1, x + j - 1
                assert place == k
                if not (0 <= yy < 30 and 0 <= xx < 23):
                    assert t == len(patches.codes)
                    continue
                around = expected_patch(codes, count, n, yy, xx, 1).flatten()
                assert patches.codes[t].tolist() == (around + torch.arange(9) * (count + 1)).tolist()
    assert len(seen) == len(patches.lookup) == len(patches.near)


@pytest.mark.parametrize("mix", [(0, 0, 0, 0, 0), (1, 0, 0, 0, 0), (0, 1, 0, 0, 0), (0, 0, 0, 0, 1)])
def test_collisions_of_the_key_are_noticed(monkeypatch, mix):
    """Also of windows that agree in some of their words, which alone make the key."""
    codes = blobs(count=300)
    right = Patches.of(codes, 300, backward=False)
    monkeypatch.setattr(module, "_MIX", mix)
    wrong_key = Patches.of(codes, 300, backward=False)
    assert len(wrong_key.lookup) == len(right.lookup)
    assert len({*zip(right.lookup.index.tolist(), wrong_key.lookup.index.tolist(), strict=True)}) == len(right.lookup)


def test_patches_that_hardly_repeat_are_not_worthwhile():
    assert Patches.of(torch.randint(0, 50, (1, 16, 16)), 50, backward=True) is None
    assert Patches.of(torch.randint(0, 50, (1, 80, 80)), 50, backward=False) is None
    assert Patches.of(torch.zeros(1, 64, 64).long(), 5000, backward=False) is None


def test_maps_whose_codes_are_too_long_leave_the_patches_of_others_alone():
    first, last = (Codes(blobs(count=count), count) for count in (6, 4))
    found = Patches.of_each([first, Codes(blobs(count=6), 5000), last], backward=False)
    assert found[1] is None
    for codes, patches in ((first, found[0]), (last, found[2])):
        assert torch.equal(patches.lookup.index, Patches.of(codes.maps, codes.count, backward=False).lookup.index)


def test_few_patches_in_flat_maps_and_checkerboards():
    flat = torch.zeros(1, 32, 32).long()
    checkers = ((torch.arange(32)[:, None] + torch.arange(32)) % 2)[None]
    assert len(Patches.of(flat, 3, backward=False).lookup) == 25
    assert len(Patches.of(checkers, 3, backward=False).lookup) == 2 + 8 * 2 + 16  # inside, strips, corners
