"""Cases of shared batch statistics, and one of two processes that run them: python sharing.py RANK FOLDER."""

import os
import sys
from functools import partial

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from semsynth.generators.spade import SPADEGenerator
from semsynth.modulation.shared import share_statistics
from semsynth.norms import base
from semsynth.norms.clade import CLADE
from semsynth.norms.spade import SPADE
from semsynth.semantics import Reading, Semantics

K, H, W = 4, 16, 12
NEVER = 2 ** 60  # elements from which on a fused function is taken
SIZES = [Reading(H, W, {"classes", "patches"})]


def channels_last(*shape):
    return torch.randn(*shape).double().to(memory_format=torch.channels_last)


def repeating(n, h=H, w=W):
    return torch.randint(0, K, (n, 1, 1)).expand(n, h, w).contiguous()


def noise(n, h=H, w=W):
    return torch.randint(0, K, (n, h, w))


def of_norm(cls, label_maps, fused_elements, counts=(2, 1)):
    """A norm on x and label maps, another number of samples in each process."""
    norm = cls(3, K).double()
    for p in norm.parameters():
        nn.init.normal_(p, std=0.5)
    given = [{"inputs": [channels_last(n, 3, H, W) * 2 + 1, Semantics(make(n), K)],
              "weights": channels_last(n, 3, H, W), "fused_elements": elements}
             for make, elements, n in zip(label_maps, fused_elements, counts, strict=True)]
    return {"network": norm, "given": given, "sizes": SIZES}


def of_generator():
    """A whole generator: SPADE by patches in one process, by convolutions in the other."""
    network = SPADEGenerator(partial(SPADE, hidden=5), K, size=(32, 32), ngf=4, init_gain=1.0).double()
    given = [{"inputs": [Semantics(make(1, 32, 32), K)], "weights": torch.randn(1, 3, 32, 32).double(),
              "fused_elements": 1} for make in (repeating, noise)]
    return {"network": network, "given": given, "sizes": network.readings(32, 32)}


def of_plain_norm():
    """A batch norm with weight and bias, by itself."""
    norm = nn.BatchNorm2d(3, momentum=0.3).double()
    nn.init.normal_(norm.weight)
    given = [{"inputs": [channels_last(n, 3, H, W) + 2], "weights": channels_last(n, 3, H, W), "fused_elements": 1}
             for n in (1, 3)]
    return {"network": norm, "given": given, "sizes": []}


CASES = {"spade, patches repeat in one process": partial(of_norm, SPADE, (repeating, noise), (1, 1)),
         "spade, small tables and convolutions": partial(of_norm, SPADE, (repeating, noise), (NEVER, NEVER)),
         "clade, one batch is worth a fused function": partial(of_norm, CLADE, (noise, noise), (1, NEVER)),
         "clade, both fused": partial(of_norm, CLADE, (noise, noise), (1, 1)),
         "no modulation": of_plain_norm, "generator": of_generator}


def made():
    """All cases, the same ones in every process."""
    torch.manual_seed(0)
    return {name: make() for name, make in CASES.items()}


def run(case, rank):
    """What one process finds."""
    network, given = case["network"], case["given"][rank]
    base.FUSED_ELEMENTS = given["fused_elements"]
    share_statistics(network)
    inputs = [t.requires_grad_() if isinstance(t, torch.Tensor) else t.prepare(case["sizes"]) for t in given["inputs"]]
    # a bucket for each parameter: the averaging of gradients starts many times between the exchanges of statistics
    torch.distributed._DEFAULT_FIRST_BUCKET_BYTES = 1
    parallel = DistributedDataParallel(network, bucket_cap_mb=1e-6, find_unused_parameters=True)
    out = parallel(*inputs)
    (out * given["weights"]).sum().backward()
    return {"out": out.detach(), "inputs": [t.grad for t in inputs if isinstance(t, torch.Tensor)],
            "parameters": {name: p.grad for name, p in network.named_parameters()},
            "buffers": dict(network.named_buffers())}


def main(rank, folder):
    """Run every case beside the other process and save what was found."""
    os.environ.update(MASTER_ADDR="localhost", RANK=str(rank), WORLD_SIZE="2")
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=2)
    torch.save({name: run(case, rank) for name, case in made().items()}, f"{folder}/{rank}.pt")
    torch.distributed.barrier()
    torch.distributed.destroy_process_group()  # its threads, still at work, would abort the process at its end


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
