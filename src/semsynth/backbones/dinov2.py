"""DINOv2's vision transformers, from the files that their authors offer for download."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from semsynth.errors import BackboneError, TensorFileError
from semsynth.weights.tensor_files import read_tensors

SOURCE = "https://dl.fbaipublicfiles.com/dinov2/dinov2_vitl14/dinov2_vitl14_pretrain.pth, or vits14, vitb14, vitg14"
SIZES = {384: "vits14", 768: "vitb14", 1024: "vitl14", 1536: "vitg14"}
HEAD = 64  # channels of an attention head, in all of them
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet, RGB in [0,1]


class DINOv2(nn.Module):
    """A vision transformer as DINOv2 trained it (arXiv:2304.07193); widths and depth are those of a state dict.

    With register tokens (arXiv:2309.16588), and with SwiGLU, where the state dict has them.

    Args:
        state: In the layout of facebookresearch/dinov2.

    Raises:
        BackboneError: it is of another network; names the first key that is missing or does not fit.
    """

    def __init__(self, state: Mapping[str, Tensor]) -> None:
        super().__init__()
        needed = ("cls_token", "pos_embed", "patch_embed.proj.weight", "blocks.0.norm1.weight")
        missing = [key for key in needed if key not in state]
        if missing:
            raise BackboneError(f"{missing[0]} is missing")
        dim = state["cls_token"].shape[-1]
        if dim % HEAD:
            raise BackboneError(f"cls_token has {dim} channels, no multiple of {HEAD}")
        depth = 1 + max(int(key.split(".")[1]) for key in state if key.startswith("blocks."))
        self.name = f"dinov2_{SIZES.get(dim, f'vit{dim}')}" + ("_reg" if "register_tokens" in state else "")
        self.cls_token = nn.Parameter(torch.empty(1, 1, dim))
        self.pos_embed = nn.Parameter(torch.empty(1, state["pos_embed"].shape[1], dim))
        self.register_tokens = (nn.Parameter(torch.empty(state["register_tokens"].shape))
                                if "register_tokens" in state else None)
        self.patch = state["patch_embed.proj.weight"].shape[-1]
        self.patch_embed = nn.ModuleDict({"proj": nn.Conv2d(3, dim, self.patch, self.patch)})
        gated = "blocks.0.mlp.w12.weight" in state
        hidden = state.get("blocks.0.mlp.w3.weight" if gated else "blocks.0.mlp.fc2.weight", torch.empty(1, 1)).shape[1]
        self.blocks = nn.ModuleList(_Block(dim, hidden, gated) for _ in range(depth))
        self.norm = nn.LayerNorm(dim, eps=1e-6)
        used = {key: value for key, value in state.items() if key != "mask_token"}  # of its training alone
        expected = self.state_dict()
        wrong = [key for key in {**expected, **used}
                 if key not in used or key not in expected or used[key].shape != expected[key].shape]
        if wrong:
            raise BackboneError(f"{len(wrong)} keys do not fit, the first is {wrong[0]}")
        self.load_state_dict({key: value.float() for key, value in used.items()}, assign=True)
        self.eval().requires_grad_(False)

    def forward(self, images: Tensor) -> Tensor:
        """Images (N,3,H,W) in [-1,1], sides that the patches divide -> the class token (N,F), normalised."""
        mean, deviation = (torch.tensor(v, device=images.device).view(1, 3, 1, 1) for v in (MEAN, DEVIATION))
        x = self.patch_embed["proj"](((images + 1) / 2 - mean) / deviation)
        places = self._places(x.shape[-2], x.shape[-1])
        x = torch.cat([self.cls_token.expand(len(x), -1, -1), x.flatten(2).transpose(1, 2)], 1) + places
        if self.register_tokens is not None:
            x = torch.cat([x[:, :1], self.register_tokens.expand(len(x), -1, -1), x[:, 1:]], 1)
        for block in self.blocks:
            x = block(x)
        return self.norm(x[:, 0])

    def _places(self, height: int, width: int) -> Tensor:
        """What tells the patches of a grid apart (1,1+height*width,F), resized as the published code does."""
        side = math.isqrt(self.pos_embed.shape[1] - 1)
        if (height, width) == (side, side):
            return self.pos_embed
        grid = self.pos_embed[:, 1:].reshape(1, side, side, -1).permute(0, 3, 1, 2)
        if self.register_tokens is not None:
            grid = F.interpolate(grid, (height, width), mode="bicubic", antialias=True)
        else:  # published: a tenth of a patch more, which moves the places a little
            grid = F.interpolate(grid, scale_factor=((height + 0.1) / side, (width + 0.1) / side), mode="bicubic")
        return torch.cat([self.pos_embed[:, :1], grid.flatten(2).transpose(1, 2)], 1)


class _Block(nn.Module):
    """Attention and two linear layers, each normalised before and scaled by channel after."""

    def __init__(self, dim: int, hidden: int, gated: bool) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim, eps=1e-6), nn.LayerNorm(dim, eps=1e-6)
        self.attn = nn.ModuleDict({"qkv": nn.Linear(dim, 3 * dim), "proj": nn.Linear(dim, dim)})
        names = ("w12", "w3") if gated else ("fc1", "fc2")
        self.mlp = nn.ModuleDict({names[0]: nn.Linear(dim, hidden * (2 if gated else 1)),
                                  names[1]: nn.Linear(hidden, dim)})
        self.ls1, self.ls2 = (nn.ParameterDict({"gamma": nn.Parameter(torch.empty(dim))}) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        n, tokens, dim = x.shape
        q, k, v = self.attn["qkv"](self.norm1(x)).view(n, tokens, 3, dim // HEAD, HEAD).permute(2, 0, 3, 1, 4)
        seen = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, tokens, dim)
        x = x + self.attn["proj"](seen) * self.ls1["gamma"]
        y = self.norm2(x)
        if "w12" in self.mlp:
            gate, y = self.mlp["w12"](y).chunk(2, -1)
            y = self.mlp["w3"](F.silu(gate) * y)
        else:
            y = self.mlp["fc2"](F.gelu(self.mlp["fc1"](y)))
        return x + y * self.ls2["gamma"]


def load_dinov2(path: str | Path) -> DINOv2:
    """The network of a file, frozen and in evaluation mode.

    Raises:
        BackboneError: there is no such file, or it is none of DINOv2's.
    """
    try:
        return DINOv2(read_tensors(Path(path)))
    except TensorFileError as error:
        raise BackboneError(str(error)) from None
    except BackboneError as error:
        raise BackboneError(f"{path}: no weights of DINOv2 as its authors publish them ({SOURCE}): {error}") from None
