"""One of two processes that share their batch statistics: python synchronised.py RANK FOLDER."""

import os
import sys

import torch
from torch import nn

from semsynth.norms import base
from semsynth.norms.clade import CLADE
from semsynth.semantics import Semantics

rank, folder = int(sys.argv[1]), sys.argv[2]
os.environ.update(MASTER_ADDR="localhost", RANK=str(rank), WORLD_SIZE="2")
torch.set_num_threads(1)
torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=2)
base.FUSED_ELEMENTS = 1
given = torch.load(f"{folder}/given.pt")
classes, channels = given["norm"]["gamma"].shape
norm = CLADE(channels, classes).double()
norm.load_state_dict(given["norm"])
norm = nn.SyncBatchNorm.convert_sync_batchnorm(norm)
mine = given["x"][rank:rank + 1].contiguous(memory_format=torch.channels_last).requires_grad_()
out = norm(mine, Semantics(given["labels"][rank:rank + 1], classes), slope=0.2)
(out * given["weights"][rank:rank + 1]).sum().backward()
torch.save((out.detach(), mine.grad, norm.gamma.grad, norm.base.running_var), f"{folder}/{rank}.pt")
torch.distributed.barrier()
torch.distributed.destroy_process_group()  # its threads, still at work, would abort the process at its end
