"""The released networks of CC-FPSE, written plainly from their formulas, and state dicts with the released names.

Beside `official`, whose layers and encoder they have: one-hot label maps, unfolded products with predicted kernels.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from official import WIDTHS, instance_normalised, layer, spectral, weight_of


@dataclass
class Model:
    num_classes: int = 5
    edges: bool = False
    size: tuple = (64, 64)
    upsamplings: int = 5
    ngf: int = 1
    z_dim: int = 8
    hidden: int = 6
    pyramid: int = 4

    @property
    def blocks(self):
        return {name: (a * self.ngf, b * self.ngf) for name, (a, b) in WIDTHS.items()}

    @property
    def start(self):
        return self.size[0] >> self.upsamplings, self.size[1] >> self.upsamplings


def norm_state(state, key, channels, affine=True):
    state |= {f"{key}.running_mean": torch.randn(channels) * 0.3, f"{key}.running_var": torch.rand(channels) + 0.5,
              f"{key}.num_batches_tracked": torch.tensor(7)}
    if affine:
        state |= {f"{key}.weight": torch.rand(channels) + 0.5, f"{key}.bias": torch.randn(channels) * 0.3}


def generator_state(m):
    torch.manual_seed(4)
    state, inputs, wide = {}, m.num_classes + m.edges, 16 * m.ngf
    if m.z_dim:
        layer(state, "fc", wide * m.start[0] * m.start[1], m.z_dim)
    else:
        layer(state, "fc", wide, inputs, 3, 3, gain=3.0)
    for k in range(1, m.upsamplings + 2):
        spectral(state, f"labelenc{k}.0.0", m.pyramid, inputs if k == 1 else m.pyramid, 3, 3, bias=False)
        norm_state(state, f"labelenc{k}.0.1", m.pyramid)
    for k in range(1, m.upsamplings + 1):
        spectral(state, f"labellat{k}.0.0", m.pyramid, m.pyramid, 1, 1, bias=False)
        spectral(state, f"labeldec{k}.0.0", m.pyramid, m.pyramid, 3, 3, bias=False)
        norm_state(state, f"labellat{k}.0.1", m.pyramid)
        norm_state(state, f"labeldec{k}.0.1", m.pyramid)
    for name, (fin, fout) in m.blocks.items():
        middle, read = min(fin, fout), inputs + m.pyramid
        for key, channels in (("gen_weights1", 9 * fin), ("gen_weights2", 9 * fout), ("gen_se_weights1", middle),
                              ("gen_se_weights2", fout)):
            layer(state, f"{name}.{key}.0", m.hidden, read, 3, 3, gain=2.0)
            layer(state, f"{name}.{key}.2", channels, m.hidden, 3, 3)
        layer(state, f"{name}.conv_1", middle, fin, 1, 1)
        layer(state, f"{name}.conv_3", fout, middle, 1, 1)
        for key, channels in (("norm_1", fin), ("norm_2", middle), ("norm_0", middle), ("conv_0.norm_layer", fin),
                              ("conv_2.norm_layer", middle)):
            norm_state(state, f"{name}.{key}", channels)
        if fin != fout:
            spectral(state, f"{name}.conv_s", fout, fin, 1, 1, bias=False)
            norm_state(state, f"{name}.norm_s.param_free_norm", fin, affine=False)
            layer(state, f"{name}.norm_s.mlp_shared.0", m.hidden, read, 3, 3, gain=2.0)
            layer(state, f"{name}.norm_s.mlp_gamma", fin, m.hidden, 3, 3)
            layer(state, f"{name}.norm_s.mlp_beta", fin, m.hidden, 3, 3)
    layer(state, "conv_img", 3, m.ngf, 3, 3)
    return state


def discriminator_state(channels, ndf=2):
    torch.manual_seed(5)
    state, widths = {}, [3, ndf, 2 * ndf, 4 * ndf, 8 * ndf, 8 * ndf]
    for k in range(1, 6):
        spectral(state, f"enc{k}.0.0", widths[k], widths[k - 1], 3, 3, bias=False)
    for k in range(2, 6):
        spectral(state, f"lat{k}.0.0", 4 * ndf, widths[k], 1, 1, bias=False)
    for k in range(2, 5):
        spectral(state, f"final{k}.0.0", 2 * ndf, 4 * ndf, 3, 3, bias=False)
    layer(state, "tf", 1, 2 * ndf, 1, 1)
    layer(state, "seg", 2 * ndf, 2 * ndf, 1, 1)
    layer(state, "embedding", 2 * ndf, channels, 1, 1)
    return state


# ---- forward passes


def conv(state, key, x):
    weight = state[f"{key}.weight"]
    return F.conv2d(x, weight, state[f"{key}.bias"], padding=weight.shape[-1] // 2)


def normalised(state, key, x):
    out = F.batch_norm(x, state[f"{key}.running_mean"], state[f"{key}.running_var"])
    if f"{key}.weight" not in state:
        return out
    return out * state[f"{key}.weight"][:, None, None] + state[f"{key}.bias"][:, None, None]


def up(x):
    return F.interpolate(x, scale_factor=2, mode="nearest")


def pyramid(state, m, condition):
    """Features, the smallest first."""
    def step(key, x, stride=1):
        weight = weight_of(state, f"{key}.0.0")
        x = F.conv2d(x, weight, stride=stride, padding=weight.shape[-1] // 2)
        return F.leaky_relu(normalised(state, f"{key}.0.1", x), 0.2)

    levels = m.upsamplings + 1
    down = [step("labelenc1", condition)]
    for k in range(2, levels + 1):
        down.append(step(f"labelenc{k}", down[-1], 2))
    out = [down[-1]]
    for k in range(1, levels):
        out.append(step(f"labeldec{k}", up(out[-1]) + step(f"labellat{k}", down[-1 - k])))
    return out


def block(state, name, x, condition):
    def predicted(key):
        return conv(state, f"{name}.{key}.2", conv(state, f"{name}.{key}.0", condition).relu())

    def half(x, norm, kernels, last, gate):
        n, c, h, w = x.shape
        windows = F.unfold(normalised(state, f"{name}.{norm}", x), 3, padding=1).view(n, c, 9, h, w)
        x = (windows * predicted(kernels).view(n, c, 9, h, w)).sum(2)
        return F.leaky_relu(conv(state, f"{name}.{last}", x) * predicted(gate).sigmoid(), 0.2)

    main = half(x, "norm_1", "gen_weights1", "conv_1", "gen_se_weights1")
    main = half(main, "norm_2", "gen_weights2", "conv_3", "gen_se_weights2")
    if f"{name}.conv_s.weight_orig" in state:
        hidden = conv(state, f"{name}.norm_s.mlp_shared.0", condition).relu()
        x = (normalised(state, f"{name}.norm_s.param_free_norm", x) * (1 + conv(state, f"{name}.norm_s.mlp_gamma", hidden))
             + conv(state, f"{name}.norm_s.mlp_beta", hidden))
        x = F.conv2d(x, weight_of(state, f"{name}.conv_s"))
    return x + main


@torch.no_grad()
def generate(state, m, labels, edges=None, z=None):
    """labels (N,H,W), edges (N,1,H,W), z (N,z_dim) -> images (N,3,H,W)."""
    full = torch.stack([(labels == k).float() for k in range(m.num_classes)], 1)
    full = torch.cat([full, edges], 1) if m.edges else full
    features = {x.shape[-2:]: x for x in pyramid(state, m, full)}
    if m.z_dim:
        x = (z @ state["fc.weight"].t() + state["fc.bias"]).reshape(len(labels), 16 * m.ngf, *m.start)
    else:
        x = conv(state, "fc", F.interpolate(full, m.start, mode="nearest"))
    for name in m.blocks:
        if name != "head_0" and (name != "G_middle_1" or m.upsamplings >= 6):
            x = up(x)
        condition = torch.cat([F.interpolate(full, x.shape[-2:], mode="nearest"), features[x.shape[-2:]]], 1)
        x = block(state, name, x, condition)
    return torch.tanh(conv(state, "conv_img", F.leaky_relu(x, 0.2)))


@torch.no_grad()
def discriminate(state, labels, image):
    """One-hot label maps with their edges (N,S,H,W), images (N,3,H,W) -> three predictions, the finest first."""
    def step(key, x, stride=1):
        weight = weight_of(state, f"{key}.0.0")
        x = F.conv2d(x, weight, stride=stride, padding=weight.shape[-1] // 2)
        return F.leaky_relu(instance_normalised(x), 0.2)

    down = [image]
    for k in range(1, 6):
        down.append(step(f"enc{k}", down[-1], 2))
    top = {5: step("lat5", down[5])}
    for k in (4, 3, 2):
        top[k] = F.interpolate(top[k + 1], scale_factor=2, mode="bilinear") + step(f"lat{k}", down[k])
    embedded, out = F.avg_pool2d(conv(state, "embedding", labels), 2), []
    for k in (2, 3, 4):
        embedded, final = F.avg_pool2d(embedded, 2), step(f"final{k}", top[k])
        out.append(conv(state, "tf", final) + (conv(state, "seg", final) * embedded).sum(1, keepdim=True))
    return out
