"""The formulas of this package as Triton kernels, for CUDA.

Features are rows (P,C) of a channels-last map: P = N*H*W pixels of C channels, in bfloat16, float16 or float32. Tables,
statistics and sums are float32. Every result is written by one program: no atomics, the same bits each time.

Each kernel stands behind a function of tensors that torch's compiler takes as one operation (`operator`).
"""
