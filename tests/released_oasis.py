"""The released networks of OASIS, written plainly from their description, and state dicts with the released names."""

from itertools import pairwise

import torch
import torch.nn.functional as F
from official import layer, spectral, weight_of

NOISE, HIDDEN = 64, 8
WIDTHS = [(16, 16), (16, 16), (16, 8), (8, 4), (4, 2), (2, 1)]
ENCODER = [2, 2, 4, 4, 8, 8]


def generator_state(classes, ngf=1):
    torch.manual_seed(1)
    state = {}
    layer(state, "conv_img", 3, ngf, 3, 3)
    for k, (wide, narrow) in enumerate(WIDTHS):
        fin, fout = wide * ngf, narrow * ngf
        spectral(state, f"body.{k}.conv_0", fout, fin, 3, 3)
        spectral(state, f"body.{k}.conv_1", fout, fout, 3, 3)
        norms = {"norm_0": fin, "norm_1": fout}
        if fin != fout:
            spectral(state, f"body.{k}.conv_s", fout, fin, 1, 1, bias=False)
            norms["norm_s"] = fin
        for norm, channels in norms.items():
            key = f"body.{k}.{norm}"
            state |= {f"{key}.first_norm.running_mean": torch.randn(channels) * 0.3,
                      f"{key}.first_norm.running_var": torch.rand(channels) + 0.5,
                      f"{key}.first_norm.num_batches_tracked": torch.tensor(7)}
            layer(state, f"{key}.mlp_shared.0", HIDDEN, NOISE + classes, 3, 3, gain=3.0)
            layer(state, f"{key}.mlp_gamma", channels, HIDDEN, 3, 3)
            layer(state, f"{key}.mlp_beta", channels, HIDDEN, 3, 3)
    layer(state, "fc", 16 * ngf, NOISE + classes, 3, 3, gain=3.0)
    return state


@torch.no_grad()
def generate(state, classes, labels, noise):
    """Labels (N,H,W) in the released order, noise (N,64,H,W) -> images (N,3,H,W)."""
    one_hot = torch.stack([(labels == k).to(noise) for k in range(classes)], 1)
    condition = torch.cat([noise, one_hot], 1)

    def conv(x, key):
        return F.conv2d(x, state[f"{key}.weight"], state[f"{key}.bias"], padding=1)

    def modulated(key, x):
        mean, var = (state[f"{key}.first_norm.running_{s}"][:, None, None] for s in ("mean", "var"))
        hidden = conv(F.interpolate(condition, x.shape[-2:], mode="nearest"), f"{key}.mlp_shared.0").relu()
        gamma, beta = (conv(hidden, f"{key}.mlp_{word}") for word in ("gamma", "beta"))
        return (x - mean) / (var + 1e-5).sqrt() * (1 + gamma) + beta

    size = labels.shape[1] // 32, labels.shape[2] // 32
    x = conv(F.interpolate(condition, size, mode="nearest"), "fc")
    for k in range(len(WIDTHS)):
        main, key = x, f"body.{k}"
        for n in ("0", "1"):
            main = F.leaky_relu(modulated(f"{key}.norm_{n}", main), 0.2)
            main = F.conv2d(main, weight_of(state, f"{key}.conv_{n}"), state[f"{key}.conv_{n}.bias"], padding=1)
        if f"{key}.conv_s.weight_orig" in state:
            x = F.conv2d(modulated(f"{key}.norm_s", x), weight_of(state, f"{key}.conv_s"))
        x = x + main
        x = F.interpolate(x, scale_factor=2, mode="nearest") if k < len(WIDTHS) - 1 else x
    return torch.tanh(conv(F.leaky_relu(x, 0.2), "conv_img"))


def discriminator_state(classes, ndf=2):
    torch.manual_seed(2)
    state, widths = {}, [3, *(ndf * m for m in ENCODER)]
    outputs, under = [*widths[-2:0:-1], ndf], 0
    for k, (skip, fout) in enumerate(zip(widths[:0:-1], outputs, strict=True)):
        fin, under = skip + under, fout
        spectral(state, f"body_up.{k}.conv1.2", fout, fin, 3, 3)
        spectral(state, f"body_up.{k}.conv2.1", fout, fout, 3, 3)
        if fin != fout:
            spectral(state, f"body_up.{k}.conv_s", fout, fin, 1, 1)
    for k, (fin, fout) in enumerate(pairwise(widths)):
        spectral(state, f"body_down.{k}.conv1.{int(k > 0)}", fout, fin, 3, 3)
        spectral(state, f"body_down.{k}.conv2.1", fout, fout, 3, 3)
        if fin != fout:
            spectral(state, f"body_down.{k}.conv_s", fout, fin, 1, 1)
    layer(state, "layer_up_last", classes + 1, ndf, 1, 1)
    return state


@torch.no_grad()
def discriminate(state, x):
    """Images -> logits (N,1+classes,H,W), that of a fake first, then classes in the released order."""
    def conv(x, key, pad=1):
        return F.conv2d(x, weight_of(state, key), state[f"{key}.bias"], padding=pad)

    def shortcut(x, key):
        return conv(x, f"{key}.conv_s", 0) if f"{key}.conv_s.weight_orig" in state else x

    skips = []
    for k in range(len(ENCODER)):
        key = f"body_down.{k}"
        main = conv(x, f"{key}.conv1.0") if k == 0 else conv(F.leaky_relu(x, 0.2), f"{key}.conv1.1")
        main = F.avg_pool2d(conv(F.leaky_relu(main, 0.2), f"{key}.conv2.1"), 2)
        side = shortcut(F.avg_pool2d(x, 2), key) if k == 0 else F.avg_pool2d(shortcut(x, key), 2)
        x = main + side
        skips.append(x)
    for k in range(len(ENCODER)):
        key = f"body_up.{k}"
        x = skips[-1] if k == 0 else torch.cat([skips[-1 - k], x], 1)
        main = conv(F.interpolate(F.leaky_relu(x, 0.2), scale_factor=2), f"{key}.conv1.2")
        main = conv(F.leaky_relu(main, 0.2), f"{key}.conv2.1")
        x = main + shortcut(F.interpolate(x, scale_factor=2), key)
    return F.conv2d(x, state["layer_up_last.weight"], state["layer_up_last.bias"])
