"""DINOv2's transformer against one written out naively, on small random weights in the published layout."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from semsynth.backbones.dinov2 import DEVIATION, HEAD, MEAN, load_dinov2
from semsynth.errors import BackboneError

DIM, HIDDEN, PATCH, SIDE = 2 * HEAD, 24, 4, 5


def state(registers=0, gated=False, depth=2):
    chance = torch.Generator().manual_seed(1)

    def drawn(*shape):
        return torch.randn(shape, generator=chance) * 0.2

    found = {"cls_token": drawn(1, 1, DIM), "pos_embed": drawn(1, 1 + SIDE**2, DIM), "mask_token": drawn(1, DIM),
             "patch_embed.proj.weight": drawn(DIM, 3, PATCH, PATCH), "patch_embed.proj.bias": drawn(DIM),
             "norm.weight": drawn(DIM), "norm.bias": drawn(DIM)}
    if registers:
        found["register_tokens"] = drawn(1, registers, DIM)
    first, second = ("w12", "w3") if gated else ("fc1", "fc2")
    for n in range(depth):
        shapes = {"attn.qkv": (3 * DIM, DIM), "attn.proj": (DIM, DIM), "norm1": (DIM,), "norm2": (DIM,),
                  f"mlp.{first}": (HIDDEN * (2 if gated else 1), DIM), f"mlp.{second}": (DIM, HIDDEN)}
        for name, shape in shapes.items():
            found |= {f"blocks.{n}.{name}.weight": drawn(*shape), f"blocks.{n}.{name}.bias": drawn(shape[0])}
        found |= {f"blocks.{n}.ls1.gamma": drawn(DIM), f"blocks.{n}.ls2.gamma": drawn(DIM)}
    return found


def naive(weights, image):
    """One image (3,H,W) at the size of the places, token by token and head by head."""
    def linear(x, key):
        return x @ weights[f"{key}.weight"].T + weights[f"{key}.bias"]

    def norm(x, key):
        centred = x - x.mean(-1, keepdim=True)
        return centred / (centred.square().mean(-1, keepdim=True) + 1e-6).sqrt() * weights[f"{key}.weight"] \
            + weights[f"{key}.bias"]

    x = ((image + 1) / 2 - torch.tensor(MEAN)[:, None, None]) / torch.tensor(DEVIATION)[:, None, None]
    tokens = [weights["cls_token"][0, 0] + weights["pos_embed"][0, 0]]
    tokens += list(weights["register_tokens"][0]) if "register_tokens" in weights else []
    for row in range(SIDE):
        for column in range(SIDE):
            patch = x[:, row * PATCH:(row + 1) * PATCH, column * PATCH:(column + 1) * PATCH]
            tokens.append((weights["patch_embed.proj.weight"] * patch).sum((1, 2, 3)) + weights["patch_embed.proj.bias"]
                          + weights["pos_embed"][0, 1 + row * SIDE + column])
    y = torch.stack(tokens)
    for n in range(2):
        block = f"blocks.{n}"
        q, k, v = linear(norm(y, f"{block}.norm1"), f"{block}.attn.qkv").chunk(3, -1)
        heads = []
        for h in range(0, DIM, HEAD):
            part = slice(h, h + HEAD)
            heads.append((q[:, part] @ k[:, part].T / math.sqrt(HEAD)).softmax(-1) @ v[:, part])
        y = y + linear(torch.cat(heads, -1), f"{block}.attn.proj") * weights[f"{block}.ls1.gamma"]
        z = norm(y, f"{block}.norm2")
        if f"{block}.mlp.w12.weight" in weights:
            a, b = linear(z, f"{block}.mlp.w12").chunk(2, -1)
            z = linear(a * a.sigmoid() * b, f"{block}.mlp.w3")
        else:
            z = linear(F.gelu(linear(z, f"{block}.mlp.fc1")), f"{block}.mlp.fc2")
        y = y + z * weights[f"{block}.ls2.gamma"]
    return norm(y, "norm")[0]


@pytest.mark.parametrize(("registers", "gated", "name"), [
    (0, False, "dinov2_vit128"), (3, False, "dinov2_vit128_reg"), (0, True, "dinov2_vit128")])
def test_the_class_token(tmp_path, registers, gated, name):
    weights = state(registers, gated)
    torch.save(weights, tmp_path / "dinov2.pth")
    network = load_dinov2(tmp_path / "dinov2.pth")
    images = torch.rand(2, 3, SIDE * PATCH, SIDE * PATCH) * 2 - 1
    assert_close(network(images), torch.stack([naive(weights, image) for image in images]), rtol=1e-4, atol=1e-5)
    assert network.name == name
    assert not any(p.requires_grad for p in network.parameters())


def test_places_of_another_grid(tmp_path):
    torch.save(state(), tmp_path / "a.pth")
    torch.save(state(registers=2), tmp_path / "b.pth")
    plain, registers = load_dinov2(tmp_path / "a.pth"), load_dinov2(tmp_path / "b.pth")
    for network in (plain, registers):
        places = network._places(3, 4)
        assert places.shape == (1, 13, DIM)
        assert_close(places[:, 0], network.pos_embed[:, 0])
        assert network(torch.zeros(1, 3, 3 * PATCH, 4 * PATCH)).shape == (1, DIM)
    grid = plain.pos_embed[:, 1:].reshape(1, SIDE, SIDE, DIM).permute(0, 3, 1, 2)
    moved = F.interpolate(grid, scale_factor=(3.1 / SIDE, 4.1 / SIDE), mode="bicubic")  # as DINOv2's code
    assert_close(plain._places(3, 4)[0, 1:], moved[0].flatten(1).T)


@pytest.mark.parametrize(("change", "message"), [
    (lambda s: s.pop("cls_token"), "cls_token is missing"),
    (lambda s: s.pop("blocks.1.ls1.gamma"), r"1 keys do not fit, the first is blocks\.1\.ls1\.gamma"),
    (lambda s: s.update({"head.weight": torch.zeros(1)}), r"the first is head\.weight"),
    (lambda s: s.update({"cls_token": torch.zeros(1, 1, 30)}), "30 channels, no multiple of 64"),
])
def test_other_files_are_named(tmp_path, change, message):
    weights = state()
    change(weights)
    torch.save(weights, tmp_path / "other.pth")
    with pytest.raises(BackboneError, match=rf"other\.pth: no weights of DINOv2 as its authors .*: .*{message}"):
        load_dinov2(tmp_path / "other.pth")


def test_a_file_that_is_none(tmp_path):
    with pytest.raises(BackboneError, match="there is no such file"):
        load_dinov2(tmp_path / "nowhere.pth")
    (tmp_path / "text.pth").write_text("nothing")
    with pytest.raises(BackboneError, match="cannot be read"):
        load_dinov2(tmp_path / "text.pth")
