"""The released networks of INADE, written plainly from their description, and state dicts with the released names."""

import torch
import torch.nn.functional as F
from official import WIDTHS, instance_normalised, layer, spectral, weight_of

HEADS = ["scale_conv_mu", "scale_conv_var", "bias_conv_mu", "bias_conv_var"]


def generator_state(classes, grid, noise=4, start=6, ngf=1):
    torch.manual_seed(1)
    state = {}
    layer(state, "fc", 16 * ngf * grid[0] * grid[1], start)
    for name, (wide, narrow) in WIDTHS.items():
        fin, fout = wide * ngf, narrow * ngf
        spectral(state, f"{name}.conv_0", fout, fin, 3, 3)
        spectral(state, f"{name}.conv_1", fout, fout, 3, 3)
        norms = {"norm_0": fin, "norm_1": fout}
        if fin != fout:
            spectral(state, f"{name}.conv_s", fout, fin, 1, 1, bias=False)
            norms["norm_s"] = fin
        for norm, channels in norms.items():
            key = f"{name}.{norm}"
            state |= {f"{key}.weight": torch.rand(classes, channels, 2),
                      f"{key}.bias": torch.randn(classes, channels, 2),
                      f"{key}.param_free_norm.running_mean": torch.randn(channels) * 0.3,
                      f"{key}.param_free_norm.running_var": torch.rand(channels) + 0.5,
                      f"{key}.param_free_norm.num_batches_tracked": torch.tensor(7)}
            layer(state, f"{key}.fc_noise", channels, noise)
    layer(state, "conv_img", 3, ngf, 3, 3)
    return state


@torch.no_grad()
def generate(state, labels, ids, vector, codes, grid, more):
    """Labels and ids (N,H,W) of instances from 0, a vector (N,start), codes (N,I,2,noise) -> images (N,3,H,W).

    `more`: whether there is an upsampling before G_middle_1.
    """
    def modulated(key, x):
        mean, var = (state[f"{key}.param_free_norm.running_{s}"][:, None, None] for s in ("mean", "var"))
        own, at = (F.interpolate(m[:, None].to(x), x.shape[-2:], mode="nearest")[:, 0].long() for m in (labels, ids))
        drawn = codes @ state[f"{key}.fc_noise.weight"].t() + state[f"{key}.fc_noise.bias"]  # (N,I,2,C)
        pixels = torch.stack([d[i] for d, i in zip(drawn, at, strict=True)])  # (N,h,w,2,C)
        weight, bias = (state[f"{key}.{leaf}"][own].transpose(3, 4) for leaf in ("weight", "bias"))
        gamma, beta = (weight * pixels + bias).permute(3, 0, 4, 1, 2)
        return (x - mean) / (var + 1e-5).sqrt() * gamma + beta

    x = (vector @ state["fc.weight"].t() + state["fc.bias"]).view(len(labels), -1, *grid)
    for name in WIDTHS:
        if name != "head_0" and (name != "G_middle_1" or more):
            x = F.interpolate(x, scale_factor=2.0, mode="nearest")
        main = x
        for n in ("0", "1"):
            main = F.leaky_relu(modulated(f"{name}.norm_{n}", main), 0.2)
            main = F.conv2d(main, weight_of(state, f"{name}.conv_{n}"), state[f"{name}.conv_{n}.bias"], padding=1)
        if f"{name}.conv_s.weight_orig" in state:
            x = F.conv2d(modulated(f"{name}.norm_s", x), weight_of(state, f"{name}.conv_s"))
        x = x + main
    return torch.tanh(F.conv2d(F.leaky_relu(x, 0.2), state["conv_img.weight"], state["conv_img.bias"], padding=1))


def encoder_state(noise=4, nef=2):
    torch.manual_seed(3)
    state = {}
    for k, (a, b) in enumerate(((3, 1), (1, 2), (2, 4), (4, 8)), 1):
        layer(state, f"layer{k}", b * nef, a if k == 1 else a * nef, 3, 3)
    for name, a, b in (("middle", 8, 4), ("up1", 8, 2), ("up2", 4, 1), ("up3", 2, 1)):
        layer(state, name, b * nef, a * nef, 3, 3)
    for name in HEADS:
        layer(state, name, noise, nef, 3, 3)
    return state


@torch.no_grad()
def encode(state, image, ids):
    """Images and ids (N,H,W) of instances -> means and log-variances (N,I,2,noise), zeros where there is none."""
    def conv(x, name, stride=1):
        at = F.interpolate(ids[:, None].to(x), x.shape[-2:], mode="nearest")
        out = 0
        for k in ids.unique():  # each instance by itself
            mine = (at == k).to(x)
            alone = F.conv2d(x * mine, state[f"{name}.weight"], state[f"{name}.bias"], stride=stride, padding=1)
            out = out + alone * mine[..., ::stride, ::stride]
        return out

    def activated(x):
        return F.leaky_relu(instance_normalised(x), 0.2)

    def doubled(x):
        return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)

    x, skips = image, []
    for k in range(1, 5):
        x = activated(conv(x, f"layer{k}", 2))
        skips.append(x)
    x = doubled(activated(conv(x, "middle")))
    for k in range(1, 4):
        x = doubled(activated(conv(torch.cat([x, skips[3 - k]], 1), f"up{k}")))
    maps = {name: conv(x, name) for name in HEADS}

    def averaged(word):
        both = torch.stack([maps[f"scale_conv_{word}"], maps[f"bias_conv_{word}"]], 1)  # (N,2,Z,H,W)
        out = both.new_zeros(len(ids), int(ids.max()) + 1, 2, both.shape[2])
        for n in range(len(ids)):
            for k in ids[n].unique():
                out[n, k] = both[n, :, :, ids[n] == k].mean(2)
        return out

    return averaged("mu"), averaged("var")
