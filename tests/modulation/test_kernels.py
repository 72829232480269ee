"""Triton kernels without a GPU: in the interpreter against the formulas, and what a compiler makes of them."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("triton")
HERE = Path(__file__).parent


def run(*command, **variables):
    """In a process of its own: whether kernels are interpreted is settled when Triton is imported."""
    done = subprocess.run([sys.executable, *command], cwd=HERE, env=os.environ | variables, capture_output=True,
                          text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_every_kernel_in_the_interpreter():
    run("-m", "pytest", "-x", "--import-mode=importlib", "-p", "no:cacheprovider", "interpreted.py",
        "interpreted_norms.py", TRITON_INTERPRET="1")


KINDS = {"order": "*i32", "starts": "*i32", "rows": "*i32", "index": "*i32", "tracked": "*i64"}
NUMBERS = {"slope", "momentum", "eps", "total"}
SIZES = {"pixels", "channels", "out_stride", "row_stride", "line", "grad_stride", "count", "part", "parts",
         "value_stride"}


def compiled(kernel, features, capability, none=(), **constants):
    """What Triton makes of a kernel for channels and strides that are multiples of 16; `features` have that type."""
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    signature, given, aligned = {}, {}, {}
    for i, name in enumerate(kernel.arg_names):
        if name in constants or name in none:
            signature[name], given[(i,)] = "constexpr", constants.get(name)
        elif name in NUMBERS:
            signature[name] = "fp32"
        else:
            signature[name] = "i32" if name in SIZES else KINDS.get(
                name, f"*{features}" if name in ("x", "out", "grad", "grad_x", "table") else "*fp32")
            aligned[(i,)] = [["tt.divisibility", 16]]
    return triton.compile(ASTSource(kernel, signature, given, aligned), target=GPUTarget("cuda", capability, 32))


def cases():
    from semsynth.modulation.kernels import backward, forward, statistics, sums

    wide = {"BLOCK_P": 16, "BLOCK_C": 64}
    merged = {"BLOCK_R": 4, "BLOCK_Q": 16, "BLOCK_C": 32}
    for features, capability in (("bf16", 80), ("bf16", 90), ("fp32", 90)):
        yield forward.modulate_kernel, features, capability, ("scales",), {"FACTOR": 2, "ACTIVE": True, "BLOCK_P": 32,
                                                                           "BLOCK_C": 64}
        yield (backward.product_sums_kernel, features, capability, ("scales",), {"SUMS": 2, "ACTIVE": True} | wide)
        yield (backward.input_gradient_kernel, features, capability, ("scales", "grad_scales"), {"ACTIVE": True} | wide)
    yield forward.modulate_kernel, "fp16", 80, ("inverse",), {"FACTOR": 1, "ACTIVE": True, "BLOCK_P": 32, "BLOCK_C": 64}
    yield backward.product_sums_kernel, "bf16", 90, (), {"SUMS": 3, "ACTIVE": True} | wide
    yield backward.input_gradient_kernel, "bf16", 90, (), {"ACTIVE": False} | wide
    yield backward.table_gradients_kernel, "fp32", 90, (), {"SUMS": 3} | merged
    yield backward.table_gradients_kernel, "fp32", 90, (), {"SUMS": 2, "BLOCK_R": 1, "BLOCK_Q": 64, "BLOCK_C": 32}
    yield statistics.part_moments_kernel, "bf16", 90, (), {"BLOCK_P": 32, "BLOCK_C": 64}
    yield statistics.moments_kernel, "fp32", 90, (), {"BLOCK_Q": 512, "BLOCK_C": 8}
    yield sums.sum_of_rows_kernel, "bf16", 90, (), {"K": 9, "BLOCK_R": 8, "BLOCK_C": 128}
    yield sums.piece_sums_kernel, "fp32", 90, ("weights",), {"SHARED_BY": 9, "BLOCK_P": 8, "BLOCK_C": 128}
    yield sums.row_sums_kernel, "fp32", 90, (), merged


@pytest.mark.slow
@pytest.mark.seldom
def test_every_kernel_compiles_for_gpus(tmp_path, monkeypatch):
    """Features and tables are read 16 bytes at a time, and no program needs more registers than there are."""
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    from triton import knobs

    for kernel, features, capability, none, constants in cases():
        case = (kernel.fn.__name__, features, capability, constants)
        made = compiled(kernel, features, capability, none, **constants)
        loads = re.findall(r"ld\.global[.\w:]*", made.asm["ptx"])
        assert any("v4.b32" in load or "v2.b64" in load for load in loads), case
        assert not any("b16" in load or "b8" in load for load in loads), case
        (tmp_path / "cubin").write_bytes(made.asm["cubin"])
        usage = subprocess.run([knobs.nvidia.cuobjdump.path, "--dump-resource-usage", tmp_path / "cubin"],
                               capture_output=True, text=True, check=True).stdout
        found = {name: int(value) for name, value in re.findall(r"(REG|STACK|LOCAL):(\d+)", usage)}
        assert found["REG"] <= 128, (*case, usage)
        assert found["STACK"] + found["LOCAL"] <= 16, (*case, usage)  # a few predicates, no values


@pytest.mark.slow
@pytest.mark.seldom
def test_every_kernel_compiles_for_sizes_of_one(tmp_path, monkeypatch):
    """Triton makes a constant of a whole number that is 1: a pixel, a channel, a row."""
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    seen = set()
    for kernel, features, capability, none, constants in cases():
        if kernel not in seen:
            seen.add(kernel)
            compiled(kernel, features, capability, none, **constants, **dict.fromkeys(SIZES & set(kernel.arg_names), 1))
