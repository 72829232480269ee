"""The released networks, written plainly from their formulas, and state dicts with the released names.

Independent of the package: one-hot label maps, modulation computed at every pixel, spectral norms as old PyTorch had
them (weight_orig, weight_u, weight_v).
"""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

WIDTHS = {"head_0": (16, 16), "G_middle_0": (16, 16), "G_middle_1": (16, 16), "up_0": (16, 8), "up_1": (8, 4),
          "up_2": (4, 2), "up_3": (2, 1)}


@dataclass
class Model:
    norm: str = "spade"  # spade, clade or icpe
    num_classes: int = 5
    edges: bool = False
    size: tuple = (64, 64)
    upsamplings: int = 5
    ngf: int = 1
    z_dim: int = 0
    hidden: int = 8
    kernel_size: int = 3
    instance: bool = False  # instance norm below the modulation

    @property
    def blocks(self):
        widths = {name: (a * self.ngf, b * self.ngf) for name, (a, b) in WIDTHS.items()}
        return widths | ({"up_4": (self.ngf, self.ngf // 2)} if self.upsamplings == 7 else {})

    @property
    def start(self):
        return self.size[0] >> self.upsamplings, self.size[1] >> self.upsamplings


# ---- state dicts


def layer(state, key, *shape, bias=True, gain=1.0):
    fan = max(1, int(np.prod(shape[1:])))
    state[f"{key}.weight"] = torch.randn(*shape) * gain / fan**0.5
    if bias:
        state[f"{key}.bias"] = torch.randn(shape[0]) * 0.1


def spectral(state, key, *shape, bias=True):
    if bias:
        state[f"{key}.bias"] = torch.randn(shape[0]) * 0.1
    weight = torch.randn(*shape)
    matrix, u = weight.flatten(1), F.normalize(torch.randn(shape[0]), dim=0)
    for _ in range(3):
        v = F.normalize(matrix.t() @ u, dim=0)
        u = F.normalize(matrix @ v, dim=0)
    state |= {f"{key}.weight_orig": weight, f"{key}.weight_u": u, f"{key}.weight_v": v}


def generator_state(m):
    torch.manual_seed(1)
    state = {}
    inputs, wide = m.num_classes + m.edges, 16 * m.ngf
    if m.z_dim:
        layer(state, "fc", wide * m.start[0] * m.start[1], m.z_dim)
    else:
        layer(state, "fc", wide, inputs, 3, 3, gain=3.0)
    for name, (fin, fout) in m.blocks.items():
        middle = min(fin, fout)
        extra = int(m.edges and m.norm != "spade")
        spectral(state, f"{name}.conv_0", middle, fin + extra, 3, 3)
        spectral(state, f"{name}.conv_1", fout, middle + extra, 3, 3)
        norms = {"norm_0": fin, "norm_1": middle}
        if fin != fout:
            spectral(state, f"{name}.conv_s", fout, fin + extra, 1, 1, bias=False)
            norms["norm_s"] = fin
        for norm, channels in norms.items():
            norm_state(state, f"{name}.{norm}", channels, m)
    layer(state, "conv_img", 3, m.ngf // 2 if m.upsamplings == 7 else m.ngf, 3, 3)
    return state


def norm_state(state, key, channels, m):
    if not m.instance:
        state |= {f"{key}.param_free_norm.running_mean": torch.randn(channels) * 0.3,
                  f"{key}.param_free_norm.running_var": torch.rand(channels) + 0.5,
                  f"{key}.param_free_norm.num_batches_tracked": torch.tensor(7)}
    if m.norm == "spade":
        k = m.kernel_size
        layer(state, f"{key}.mlp_shared.0", m.hidden, m.num_classes + m.edges, k, k, gain=3.0)
        layer(state, f"{key}.mlp_gamma", channels, m.hidden, k, k)
        layer(state, f"{key}.mlp_beta", channels, m.hidden, k, k)
        return
    state[f"{key}.class_specified_affine.weight"] = torch.rand(m.num_classes, channels) + 0.5
    state[f"{key}.class_specified_affine.bias"] = torch.randn(m.num_classes, channels)
    if m.norm == "icpe":
        for leaf in ("w", "b"):  # of the bank's module, as in the files that are released
            layer(state, f"{key}.class_specified_affine.dist_conv_{leaf}", 1, 2, 1, 1)
    if m.edges:
        layer(state, f"{key}.inst_conv", 1, 1, 1, 1)


def discriminator_state(channels, ndf=2, num_layers=4, num_scales=2):
    torch.manual_seed(2)
    state, widths = {}, [min(ndf * 2**i, 8 * ndf) for i in range(num_layers)]
    for scale in range(num_scales):
        net = f"discriminator_{scale}"
        layer(state, f"{net}.model0.0", ndf, channels, 4, 4)
        for k in range(1, num_layers):
            spectral(state, f"{net}.model{k}.0.0", widths[k], widths[k - 1], 4, 4, bias=False)
        layer(state, f"{net}.model{num_layers}.0", 1, widths[-1], 4, 4)
    return state


def encoder_state(nef=2, z_dim=8):
    torch.manual_seed(3)
    state, widths = {}, [3, *(nef * min(2**i, 8) for i in range(6))]
    for k in range(6):
        spectral(state, f"layer{k + 1}.0", widths[k + 1], widths[k], 3, 3, bias=False)
    layer(state, "fc_mu", z_dim, 16 * widths[-1])
    layer(state, "fc_var", z_dim, 16 * widths[-1])
    return state


# ---- forward passes


def weight_of(state, key):
    u, v, weight = state[f"{key}.weight_u"], state[f"{key}.weight_v"], state[f"{key}.weight_orig"]
    return weight / (u @ weight.flatten(1) @ v)


def instance_normalised(x):
    return (x - x.mean((2, 3), keepdim=True)) / (x.var((2, 3), keepdim=True, correction=0) + 1e-5).sqrt()


def normalised(state, key, x, m):
    if m.instance:
        return instance_normalised(x)
    mean = state[f"{key}.param_free_norm.running_mean"][:, None, None]
    var = state[f"{key}.param_free_norm.running_var"][:, None, None]
    return (x - mean) / (var + 1e-5).sqrt()


def modulated(state, key, x, condition, offsets, m):
    size, out = x.shape[-2:], normalised(state, key, x, m)
    condition = F.interpolate(condition, size, mode="nearest")
    if m.norm == "spade":
        pad = m.kernel_size // 2

        def conv(inputs, name):
            return F.conv2d(inputs, state[f"{key}.{name}.weight"], state[f"{key}.{name}.bias"], padding=pad)

        hidden = conv(condition, "mlp_shared.0").relu()
        return out * (1 + conv(hidden, "mlp_gamma")) + conv(hidden, "mlp_beta")
    classes = condition[:, :m.num_classes]
    gamma, beta = (torch.einsum("nkhw,kc->nchw", classes, state[f"{key}.class_specified_affine.{leaf}"])
                   for leaf in ("weight", "bias"))
    if m.norm == "icpe":
        d = F.interpolate(offsets, size, mode="nearest")
        bank = f"{key}.class_specified_affine"
        gamma = gamma * (1 + F.conv2d(d, state[f"{bank}.dist_conv_w.weight"], state[f"{bank}.dist_conv_w.bias"]))
        beta = beta * (1 + F.conv2d(d, state[f"{bank}.dist_conv_b.weight"], state[f"{bank}.dist_conv_b.bias"]))
    out = out * gamma + beta
    if m.edges:
        edge = condition[:, -1:] * state[f"{key}.inst_conv.weight"] + state[f"{key}.inst_conv.bias"][:, None, None]
        out = torch.cat([out, edge], 1)
    return out


@torch.no_grad()
def generate(state, m, labels, edges=None, offsets=None, z=None):
    """labels (N,H,W), edges (N,1,H,W), offsets (N,2,H,W) -> images (N,3,H,W)."""
    condition = torch.stack([(labels == k).float() for k in range(m.num_classes)], 1)
    if m.edges:
        condition = torch.cat([condition, edges], 1)
    if m.z_dim:
        x = (z @ state["fc.weight"].t() + state["fc.bias"]).reshape(len(labels), 16 * m.ngf, *m.start)
    else:
        x = F.conv2d(F.interpolate(condition, m.start, mode="nearest"), state["fc.weight"], state["fc.bias"], padding=1)

    def block(name, x):
        main = x
        for conv, norm in (("conv_0", "norm_0"), ("conv_1", "norm_1")):
            main = F.leaky_relu(modulated(state, f"{name}.{norm}", main, condition, offsets, m), 0.2)
            main = F.conv2d(main, weight_of(state, f"{name}.{conv}"), state[f"{name}.{conv}.bias"], padding=1)
        if f"{name}.conv_s.weight_orig" in state:
            x = F.conv2d(modulated(state, f"{name}.norm_s", x, condition, offsets, m),
                         weight_of(state, f"{name}.conv_s"))
        return x + main

    def up(x):
        return F.interpolate(x, scale_factor=2, mode="nearest")

    x = block("head_0", x)
    x = block("G_middle_0", up(x))
    x = block("G_middle_1", up(x) if m.upsamplings >= 6 else x)
    for name in ("up_0", "up_1", "up_2", "up_3"):
        x = block(name, up(x))
    if m.upsamplings == 7:
        x = block("up_4", up(x))
    x = F.leaky_relu(x, 0.2)
    return torch.tanh(F.conv2d(x, state["conv_img.weight"], state["conv_img.bias"], padding=1))


@torch.no_grad()
def discriminate(state, x, num_layers=4, num_scales=2):
    """x (N,C,H,W), label map and image -> the prediction of every scale."""
    out = []
    for scale in range(num_scales):
        y, net = x, f"discriminator_{scale}"
        y = F.conv2d(y, state[f"{net}.model0.0.weight"], state[f"{net}.model0.0.bias"], stride=2, padding=2)
        y = F.leaky_relu(y, 0.2)
        for k in range(1, num_layers):
            y = F.conv2d(y, weight_of(state, f"{net}.model{k}.0.0"), stride=1 if k == num_layers - 1 else 2, padding=2)
            y = F.leaky_relu(instance_normalised(y), 0.2)
        last = f"{net}.model{num_layers}.0"
        out.append(F.conv2d(y, state[f"{last}.weight"], state[f"{last}.bias"], padding=2))
        x = F.avg_pool2d(x, 3, stride=2, padding=1, count_include_pad=False)
    return out


@torch.no_grad()
def encode(state, image):
    """Image (N,3,H,W) -> mean and log-variance."""
    x = F.interpolate(image, (256, 256), mode="bilinear")
    for k in range(1, 7):
        x = F.conv2d(x, weight_of(state, f"layer{k}.0"), stride=2, padding=1)
        x = F.leaky_relu(instance_normalised(x), 0.2)
    x = x.flatten(1)
    return tuple(x @ state[f"{name}.weight"].t() + state[f"{name}.bias"] for name in ("fc_mu", "fc_var"))
