"""Networks whose pictures are lively without a training: comparisons of saturated or flat ones would say little."""

from torch import nn
from torch.nn.utils.parametrize import is_parametrized


def lively(network):
    """A network in evaluation mode with weights and statistics as after a training: features keep their size."""
    network = network.eval()
    for name, p in network.named_parameters():
        if "fc" not in name:
            nn.init.normal_(p, std=p[0].numel() ** -0.5 if p.ndim == 4 else 0.3)
    for name, b in network.named_buffers():
        if name.endswith("running_var"):
            b.uniform_(0.5, 2)
        elif name.endswith("running_mean"):
            b.normal_()
    for module in network.modules():  # spectral norms that belong to the weights, as after training
        if is_parametrized(module, "weight"):
            for _ in range(5):
                module.parametrizations.weight[0].iterate(module.parametrizations.weight.original)
    return network
