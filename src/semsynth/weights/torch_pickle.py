"""The objects of a file of PyTorch, read without making any: which storages they name, and that they are plain ones."""

import pickle
import re
from collections.abc import Sized
from functools import lru_cache
from typing import Any, ClassVar

# bytes of an element, by the class of a storage
ELEMENTS = {"DoubleStorage": 8, "FloatStorage": 4, "HalfStorage": 2, "BFloat16Storage": 2, "LongStorage": 8,
            "IntStorage": 4, "ShortStorage": 2, "CharStorage": 1, "ByteStorage": 1, "BoolStorage": 1,
            "UntypedStorage": 1}
# What a pickle of tensors and plain values names. torch knows others, by which a short file takes as much memory as it
# likes: bytearray and torch.Tensor, called with a size.
PLAIN = frozenset({
    "collections.OrderedDict", "collections.Counter", "builtins.set", "__builtin__.set", "_codecs.encode",
    "torch.Size", "torch.device", "torch.nn.parameter.Parameter", "torch.serialization._get_layout",
    *(f"torch._utils._rebuild_{what}" for what in ("tensor", "tensor_v2", "tensor_v3", "parameter", "sparse_tensor",
                                                   "meta_tensor_no_storage")),
})
OF_TORCH = re.compile(r"torch\.(\w+Storage|storage\.UntypedStorage|[a-z][a-z0-9_]+)")  # and its types of numbers
ATTRIBUTES = {"_metadata"}  # of a dictionary: what module.state_dict() leaves there
# Those that torch's own reader of plain tensors knows; others make room for a length that a pickle names.
CODES = [code[0] for code in (
    pickle.PROTO, pickle.STOP, pickle.GLOBAL, pickle.BINPERSID, pickle.MARK, pickle.TUPLE, pickle.TUPLE1, pickle.TUPLE2,
    pickle.TUPLE3, pickle.EMPTY_TUPLE, pickle.EMPTY_LIST, pickle.EMPTY_DICT, pickle.EMPTY_SET, pickle.APPEND,
    pickle.APPENDS, pickle.SETITEM, pickle.SETITEMS, pickle.NONE, pickle.NEWTRUE, pickle.NEWFALSE, pickle.BININT,
    pickle.BININT1, pickle.BININT2, pickle.LONG1, pickle.BINFLOAT, pickle.BINUNICODE, pickle.SHORT_BINSTRING,
    pickle.BINGET, pickle.LONG_BINGET, pickle.BINPUT, pickle.LONG_BINPUT)]


def storages_in(file: Any, size: int) -> dict[str, int]:
    """The storages that a pickle names: key and bytes.

    Args:
        file: Where the pickle begins.
        size: Bytes that it has at most. What it calls copies what it is given: of values that stand once and are given
            many times a short file would make as much as it likes.

    Raises:
        ValueError: they hold no plain numbers, or the pickle makes more of itself than is written.
        pickle.UnpicklingError: it names something else than tensors and plain values.
        Exception: whatever Python's reader of pickles raises on something else.
    """
    reader = _Reader(file, size)
    reader.load()
    return reader.storages


class _Stub:
    """Stands for whatever a pickle names; nothing is imported."""

    def __init__(self, *arguments: object, **words: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        pass

    def __setitem__(self, key: object, value: object) -> None:
        pass

    append = extend = add = update = __init__


@lru_cache(64)
def _storage_class(name: str) -> type[_Stub]:
    return type(name, (_Stub,), {})


class _Reader(pickle._Unpickler):  # the one in Python: that in C makes room for whatever place a pickle names
    """Reads a pickle for the storages in it alone, as far as it consists of what torch.save writes."""

    def __init__(self, file: Any, size: int) -> None:
        super().__init__(file, encoding="utf-8")
        self.storages: dict[str, int] = {}
        self._left = size

    def find_class(self, module: str, name: str) -> Any:
        dotted = f"{module}.{name}"
        if dotted not in PLAIN and not OF_TORCH.fullmatch(dotted):
            raise pickle.UnpicklingError(f"GLOBAL {dotted}")
        return _latin if dotted == "_codecs.encode" else _storage_class(name) if name.endswith("Storage") else _Stub

    def persistent_load(self, pid: Any) -> object:
        if pid[0] == "module":  # the source text of a module, in old files: torch says that it takes none
            return _Stub()
        word, kind, key, _, count = pid[:5]
        if (word, type(key), type(count)) != ("storage", str, int) or kind.__name__ not in ELEMENTS or count < 0:
            raise ValueError(f"it holds no plain numbers, but {count} in a {kind.__name__}")
        self.storages[key] = max(count * ELEMENTS[kind.__name__], self.storages.get(key, 0))
        return _Stub()

    def _call(self) -> None:
        self._count(self.stack[-1])  # type: ignore[attr-defined]
        pickle._Unpickler.load_reduce(self)  # type: ignore[attr-defined]

    def _make(self) -> None:
        self._count(self.stack[-1])  # type: ignore[attr-defined]
        pickle._Unpickler.load_newobj(self)  # type: ignore[attr-defined]

    def _build(self) -> None:
        state = self.stack[-1]  # type: ignore[attr-defined]
        if not isinstance(state, dict) or not state.keys() <= ATTRIBUTES:  # others could stand in for methods
            raise ValueError("it holds a dictionary with attributes, which torch.save never writes")
        pickle._Unpickler.load_build(self)  # type: ignore[attr-defined]

    def _count(self, arguments: tuple[Any, ...]) -> None:
        self._left -= sum(len(value) for value in arguments if isinstance(value, Sized))
        if self._left < 0:
            raise ValueError("it copies its values over and over, which torch.save never does")

    dispatch: ClassVar[Any] = {code: pickle._Unpickler.dispatch[code] for code in CODES} | {
        pickle.REDUCE[0]: _call, pickle.NEWOBJ[0]: _make, pickle.BUILD[0]: _build}


def _latin(text: object, encoding: object) -> object:
    """Bytes, as pickles of their time spell them; other codecs make more of them at every turn."""
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise ValueError("it holds encoded bytes, which torch.save never writes")
    return _Stub()
