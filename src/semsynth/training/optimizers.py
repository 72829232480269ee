"""Optimizers that step with one kernel where their device has one."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.optimizer import StateDict


def make_optimizer(make: Callable[..., Optimizer], parameters: list[nn.Parameter], device: torch.device) -> Optimizer:
    """An optimizer of parameters on a device: `fused` on CUDA where it can be and nothing else is said.

    It continues from the state of one that was not fused, or the other way round: the kernels stay its own. On the CPU
    it is as it was made, so that runs go on as they began.

    Args:
        make: Parameters -> optimizer.
        parameters: What it trains.
        device: Where they lie.
    """
    takes = inspect.signature(make).parameters
    others = [takes[key].default for key in ("foreach", "differentiable") if key in takes]  # exclude it
    if device.type == "cuda" and "fused" in takes and takes["fused"].default is None and not any(others):
        make = partial(make, fused=True)
    optimizer = make(parameters)
    optimizer.register_load_state_dict_pre_hook(_keep_kernels)
    return optimizer


def _keep_kernels(optimizer: Optimizer, state: StateDict) -> StateDict:
    """A state to load, with the implementation that this optimizer has: the saved one may be of another device."""
    groups = [{**saved, **{key: own[key] for key in ("fused", "foreach", "capturable") if key in own}}
              for saved, own in zip(state["param_groups"], optimizer.param_groups, strict=False)]
    return {**state, "param_groups": groups + state["param_groups"][len(groups):]}
