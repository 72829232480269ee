"""Normalise, scale and shift every pixel by its row of a table, LeakyReLU: the engine below the norms.

All norms here come down to `leaky(xhat * gamma[row] + beta[row])` once their tables are known: one row a class, or
one a distinct patch of labels. The formula runs as one function with its own backward pass, which keeps little, by one
of two executors (`executor`): torch's calls, or on CUDA the Triton kernels in `kernels/`.
"""
