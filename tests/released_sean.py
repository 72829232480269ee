"""The released SEAN, written plainly from its description, and state dicts with the released names."""

import torch
import torch.nn.functional as F
from official import WIDTHS, layer, spectral, weight_of

CODES, HIDDEN = 6, 8


def generator_state(classes, ngf=1, nef=2):
    """Of generator and encoder, which lie in one file."""
    torch.manual_seed(1)
    state = {}
    for index, shape in {1: (nef, 3), 4: (2 * nef, nef), 7: (4 * nef, 2 * nef), 14: (CODES, 8 * nef)}.items():
        layer(state, f"Zencoder.model.{index}", *shape, 3, 3)
    layer(state, "Zencoder.model.10", 4 * nef, 8 * nef, 3, 3)
    state["Zencoder.model.10.bias"] = torch.randn(8 * nef) * 0.1  # of a transposed convolution
    layer(state, "fc", 16 * ngf, classes, 3, 3, gain=3.0)
    for name, (wide, narrow) in WIDTHS.items():
        fin, fout = wide * ngf, narrow * ngf
        spectral(state, f"{name}.conv_0", fout, fin, 3, 3)
        spectral(state, f"{name}.conv_1", fout, fout, 3, 3)
        norms = {"ace_0": fin, "ace_1": fout}
        if fin != fout:
            spectral(state, f"{name}.conv_s", fout, fin, 1, 1, bias=False)
            norms["ace_s"] = fin
        for norm, channels in norms.items():
            key = f"{name}.{norm}"
            state |= {f"{key}.blending_gamma": torch.randn(1), f"{key}.blending_beta": torch.randn(1),
                      f"{key}.noise_var": torch.randn(channels) * 0.3}
            for unread, place in ((True, f"{key}.Spade.param_free_norm"), (False, f"{key}.param_free_norm")):
                state |= {f"{place}.running_mean": torch.zeros(channels) if unread else torch.randn(channels) * 0.3,
                          f"{place}.running_var": torch.ones(channels) if unread else torch.rand(channels) + 0.5,
                          f"{place}.num_batches_tracked": torch.tensor(0 if unread else 7)}
            layer(state, f"{key}.Spade.mlp_shared.0", HIDDEN, classes, 3, 3, gain=3.0)
            layer(state, f"{key}.Spade.mlp_gamma", channels, HIDDEN, 3, 3)
            layer(state, f"{key}.Spade.mlp_beta", channels, HIDDEN, 3, 3)
            if name == "up_3":
                continue
            for k in range(classes):
                layer(state, f"{key}.fc_mu{k}", CODES, CODES)
            layer(state, f"{key}.conv_gamma", channels, CODES, 3, 3)
            layer(state, f"{key}.conv_beta", channels, CODES, 3, 3)
    layer(state, "conv_img", 3, ngf, 3, 3)
    return state


@torch.no_grad()
def encode(state, classes, image, labels):
    """Images (N,3,H,W) and labels (N,H,W) -> codes (N,classes,CODES), zeros for classes that are absent."""
    def conv(x, index, **words):
        return F.conv2d(x, state[f"Zencoder.model.{index}.weight"], state[f"Zencoder.model.{index}.bias"], **words)

    def normed(x):
        return F.leaky_relu(F.instance_norm(x), 0.2)

    x = normed(conv(F.pad(image, (1, 1, 1, 1), mode="reflect"), 1))
    x = normed(conv(normed(conv(x, 4, stride=2, padding=1)), 7, stride=2, padding=1))
    x = normed(F.conv_transpose2d(x, state["Zencoder.model.10.weight"], state["Zencoder.model.10.bias"], stride=2,
                                  padding=1, output_padding=1))
    x = torch.tanh(conv(F.pad(x, (1, 1, 1, 1), mode="reflect"), 14))
    codes = torch.zeros(len(image), classes, CODES, dtype=image.dtype)
    for n in range(len(image)):
        for k in range(classes):
            mask = F.interpolate((labels[n] == k).to(x)[None, None], x.shape[2:], mode="nearest")[0, 0] > 0
            if mask.any():
                codes[n, k] = x[n][:, mask].mean(1)
    return codes


@torch.no_grad()
def generate(state, classes, labels, codes, noise):
    """Labels (N,H,W), codes (N,classes,CODES), noise (N,18,H,W), a map for each norm -> images (N,3,H,W)."""
    one_hot = torch.stack([(labels == k).to(codes) for k in range(classes)], 1)
    # numbered in the order in which the networks hold their norms, whatever the order in which these run
    places = [f"{name}.ace_{k}" for name, (a, b) in WIDTHS.items() for k in ("01" if a == b else "01s")]

    def conv(x, key):
        return F.conv2d(x, state[f"{key}.weight"], state[f"{key}.bias"], padding=1)

    def modulated(key, x):
        own = F.interpolate(noise[:, places.index(key), None], x.shape[2:], mode="nearest")
        x = x + own * state[f"{key}.noise_var"][:, None, None]
        mean, var = (state[f"{key}.param_free_norm.running_{s}"][:, None, None] for s in ("mean", "var"))
        x = (x - mean) / (var + 1e-5).sqrt()
        small = F.interpolate(one_hot, x.shape[2:], mode="nearest")
        hidden = conv(small, f"{key}.Spade.mlp_shared.0").relu()
        gamma, beta = conv(hidden, f"{key}.Spade.mlp_gamma"), conv(hidden, f"{key}.Spade.mlp_beta")
        if f"{key}.conv_gamma.weight" in state:
            middle = torch.zeros(len(x), CODES, *x.shape[2:], dtype=x.dtype)
            for n in range(len(x)):
                for k in range(classes):
                    code = (state[f"{key}.fc_mu{k}.weight"] @ codes[n, k] + state[f"{key}.fc_mu{k}.bias"]).relu()
                    middle[n] += small[n, k] * code[:, None, None]
            a, b = (torch.sigmoid(state[f"{key}.blending_{s}"]) for s in ("gamma", "beta"))
            gamma = a * conv(middle, f"{key}.conv_gamma") + (1 - a) * gamma
            beta = b * conv(middle, f"{key}.conv_beta") + (1 - b) * beta
        return x * (1 + gamma) + beta

    x = conv(F.interpolate(one_hot, [s // 32 for s in labels.shape[1:]], mode="nearest"), "fc")
    for name, (wide, narrow) in WIDTHS.items():
        x = x if name in ("head_0", "G_middle_1") else F.interpolate(x, scale_factor=2, mode="nearest")
        main = x
        for k in ("0", "1"):
            main = F.leaky_relu(modulated(f"{name}.ace_{k}", main), 0.2)
            main = F.conv2d(main, weight_of(state, f"{name}.conv_{k}"), state[f"{name}.conv_{k}.bias"], padding=1)
        if wide != narrow:
            x = F.conv2d(modulated(f"{name}.ace_s", x), weight_of(state, f"{name}.conv_s"))
        x = x + main
    return torch.tanh(conv(F.leaky_relu(x, 0.2), "conv_img"))
