"""Counting what would make the host wait for an accelerator, on the CPU."""

import traceback
from collections import Counter
from contextlib import contextmanager

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

# operators whose result, or the size of it, is known only once the device has come so far
OPERATORS = {"_local_scalar_dense", "nonzero", "bincount", "_unique", "_unique2", "unique_dim", "unique_consecutive",
             "unique_dim_consecutive", "equal", "masked_select", "is_nonzero", "histc", "histogram"}
# methods that bring values to the host without an operator that says so
METHODS = {torch.Tensor.tolist, torch.Tensor.numpy, torch.Tensor.cpu, torch.Tensor.__array__}
INDEXING = {"index", "index_put", "index_put_", "_index_put_impl_"}
MASKS = (torch.bool, torch.uint8)


class Waits:
    """Counts waits by where they are caused; `paused` leaves some out."""

    def __init__(self):
        self.found = Counter()
        self._counting = True
        self._operators, self._methods = _Operators(self), _Methods(self)

    def __enter__(self):
        self._methods.__enter__()
        self._operators.__enter__()
        return self

    def __exit__(self, *error):
        self._operators.__exit__(*error)
        self._methods.__exit__(*error)

    def note(self, what):
        if self._counting:
            ours = [f for f in traceback.extract_stack() if "/tests/" not in f.filename and "/torch/" not in f.filename]
            place = ours[-1]
            self.found[f"{what} in {place.filename.rpartition('/')[2]}:{place.lineno}"] += 1

    @contextmanager
    def paused(self):
        before, self._counting = self._counting, False
        try:
            yield
        finally:
            self._counting = before


class _Operators(TorchDispatchMode):
    def __init__(self, waits):
        super().__init__()
        self.waits = waits

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.overloadpacket.__name__
        if name in OPERATORS or (name == "repeat_interleave" and (kwargs or {}).get("output_size") is None):
            self.waits.note(name)
        elif name in INDEXING and any(i is not None and i.dtype in MASKS for i in args[1]):
            self.waits.note(f"{name} by a mask")
        return func(*args, **(kwargs or {}))


class _Methods(TorchFunctionMode):
    def __init__(self, waits):
        super().__init__()
        self.waits = waits

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if func in METHODS:
            self.waits.note(func.__name__)
        return func(*args, **(kwargs or {}))
