"""Drawing: the released formulation, as it is and compiled, against the folded generator."""

from __future__ import annotations

import copy

import torch
from card import CUDA, Call, Setting
from networks import DEVICE, build
from torch import Tensor

from semsynth.complexity.formulation import as_published
from semsynth.semantics import Semantics

PEER, RELEASED = "released, compiled bf16", "released, fp32"
NEW = ("new map, bf16", "new map, compiled bf16")


def drawing(norm: str, labels: Tensor, classes: int, setting: Setting, *, compiling: bool) -> list[Call]:
    """What is timed for label maps (N,H,W) that lie in pinned memory and are copied by every call that is not "known".

    ``compiling`` adds what takes a compiler's time.
    """
    network = build(norm, labels.shape[-1], setting.ngf, classes).eval()
    released = as_published(copy.deepcopy(network)).to(memory_format=torch.channels_last).eval()
    plain, low = network.optimize_for_inference(), network.optimize_for_inference(dtype=torch.bfloat16)
    labels = labels.pin_memory() if CUDA else labels

    def moved() -> Tensor:
        return labels.to(DEVICE, non_blocking=True)

    def prepared() -> Semantics:
        return network.prepare(Semantics(moved(), classes))

    @torch.no_grad()
    def theirs(network: torch.nn.Module, autocast: bool) -> Tensor:
        with torch.autocast(DEVICE, torch.bfloat16, enabled=autocast):
            return network(Semantics(moved(), classes))

    @torch.no_grad()
    def ours(network: torch.nn.Module, semantics: Semantics | None = None) -> Tensor:
        return network(semantics or prepared())

    with torch.no_grad():
        known = prepared()
    calls = [Call(RELEASED, lambda: theirs(released, False)), Call("released, bf16", lambda: theirs(released, True))]
    if compiling:
        peer = setting.compiled(released)
        calls.append(Call(PEER, lambda: theirs(peer, True), compiles=True))
    calls += [Call("new map, fp32", lambda: ours(plain)), Call(NEW[0], lambda: ours(low)),
              Call("known map, fp32", lambda: ours(plain, known)), Call("known map, bf16", lambda: ours(low, known))]
    if compiling and not setting.small:
        fast = network.optimize_for_inference(compile=True, dtype=torch.bfloat16)
        calls += [Call(NEW[1], lambda: ours(fast), compiles=True),
                  Call("known map, compiled bf16", lambda: ours(fast, known), compiles=True)]
    return calls
