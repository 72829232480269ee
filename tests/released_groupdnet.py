"""The released networks of GroupDNet, written plainly from their description, and state dicts with their names."""

import torch
import torch.nn.functional as F
from official import instance_normalised, layer, spectral, weight_of

NAMES = ["head_0", "G_middle_0", "G_middle_1", "up_0", "up_1", "up_2", "up_3"]
# classes, edges, channels (into the first block, and out of each), groups, groups of the norms' convolutions
SETS = {
    "deepfashion": (8, False, [128, 128, 128, 128, 64, 32, 16, 8], [8, 8, 4, 4, 2, 2, 1], None, None),
    "cityscapes": (35, True, [1120, 1120, 1120, 1120, 560, 280, 140, 70], [35, 35, 20, 14, 10, 4, 1], 35, 35),
    "ade20k": (151, False, [2416, 2416, 128, 64, 64, 32, 16, 8], [151, 16, 16, 8, 4, 2, 1], 151, None),
}


def generator_state(data, code=2, hidden=8):
    torch.manual_seed(1)
    classes, edges, channels, groups, first, second = SETS[data]
    state = {}
    layer(state, "fc", channels[0], code, 3, 3)
    for name, fin, fout, g in zip(NAMES, channels, channels[1:], groups, strict=False):
        block(state, name, fin, fout, g, classes * (1 + edges), hidden, first or g, second or g)
    if data == "ade20k":
        block(state, "up_4", channels[-1], channels[-1] // 2, 1, classes, 2, 151, 1)
    layer(state, "conv_img", 3, channels[-1], 3, 3)
    return state


def block(state, name, fin, fout, groups, inputs, each, first, second):
    middle = min(fin, fout)
    spectral(state, f"{name}.conv_0", middle, fin // groups, 3, 3)
    spectral(state, f"{name}.conv_1", fout, middle // groups, 3, 3)
    norms = {"norm_0": fin, "norm_1": middle}
    if fin != fout:
        spectral(state, f"{name}.conv_s", fout, fin // groups, 1, 1, bias=False)
        norms["norm_s"] = fin
    hidden = first * second * each if first % second else first * each
    for norm, channels in norms.items():
        key = f"{name}.{norm}"
        state |= {f"{key}.param_free_norm.running_mean": torch.randn(channels) * 0.3,
                  f"{key}.param_free_norm.running_var": torch.rand(channels) + 0.5,
                  f"{key}.param_free_norm.num_batches_tracked": torch.tensor(7)}
        layer(state, f"{key}.mlp_shared.0", hidden, inputs // first, 3, 3, gain=2.0)
        layer(state, f"{key}.mlp_gamma", channels, hidden // second, 3, 3)
        layer(state, f"{key}.mlp_beta", channels, hidden // second, 3, 3)


def conv(x, state, key, pad=1):
    """With as many groups as the weight's shape leaves."""
    weight = state[f"{key}.weight"] if f"{key}.weight" in state else weight_of(state, key)
    return F.conv2d(x, weight, state.get(f"{key}.bias"), padding=pad, groups=x.shape[1] // weight.shape[1])


@torch.no_grad()
def generate(state, data, labels, edges, z):
    """Labels (N,H,W), edges (N,1,H,W) or None, z (N,K,code,h,w) -> images (N,3,H,W)."""
    classes = SETS[data][0]
    channels = []
    for k in range(classes):
        channels += [(labels == k).to(z)] + ([] if edges is None else [edges[:, 0].to(z)])
    condition = torch.stack(channels, 1)

    def modulated(key, x):
        mean, var = (state[f"{key}.param_free_norm.running_{s}"][:, None, None] for s in ("mean", "var"))
        hidden = conv(F.interpolate(condition, x.shape[-2:], mode="nearest"), state, f"{key}.mlp_shared.0").relu()
        gamma, beta = (conv(hidden, state, f"{key}.mlp_{word}") for word in ("gamma", "beta"))
        return (x - mean) / (var + 1e-5).sqrt() * (1 + gamma) + beta

    x = conv(z.flatten(1, 2), state, "fc")
    for index, name in enumerate(NAMES):
        x = F.interpolate(x, scale_factor=2.0, mode="nearest") if index else x
        main = x
        for n in ("0", "1"):
            main = conv(F.leaky_relu(modulated(f"{name}.norm_{n}", main), 0.2), state, f"{name}.conv_{n}")
        x = main + (conv(modulated(f"{name}.norm_s", x), state, f"{name}.conv_s", 0)
                    if f"{name}.conv_s.weight_orig" in state else x)
    return torch.tanh(conv(F.leaky_relu(x, 0.2), state, "conv_img"))


def encoder_state(classes, width=2, code=2):
    torch.manual_seed(3)
    state, widths = {}, [3, *(width * min(2**k, 8) for k in range(6))]
    for k in range(6):
        spectral(state, f"layer{k + 1}.0", widths[k + 1] * classes, widths[k], 3, 3, bias=False)
    for head in ("fc_mu", "fc_var"):
        layer(state, head, code * classes, widths[-1], 3, 3)
    return state


@torch.no_grad()
def encode(state, crops):
    """Crops (N,3*K,H,W) -> means and log-variances (N,code*K,h,w)."""
    x = crops
    for k in range(6):
        weight = weight_of(state, f"layer{k + 1}.0")
        x = F.conv2d(x, weight, stride=2, padding=1, groups=x.shape[1] // weight.shape[1])
        x = F.leaky_relu(instance_normalised(x), 0.2)
    return conv(x, state, "fc_mu"), conv(x, state, "fc_var")
