"""Which plain values fit which hints."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

import pytest
from torch import Tensor, nn

from semsynth.signatures import fits


class Named(Protocol):
    """A contract with more than methods, after which classes cannot be asked."""

    name: str


NODE = {"_target_": "torch.nn.Identity"}


@pytest.mark.parametrize(("hint", "good", "bad"), [
    (int, [0, -1], [0.5, True, "1", None, [], {}, [1]]),
    (float, [0, 0.5], [True, "1", None, [], {}, float("nan"), float("inf")]),
    (bool, [True], [1, "true", None, []]),
    (str, ["", "a"], [1, None, [], {}, True]),
    (int | None, [1, None], ["x", [], 1.5]),
    (float | Tensor, [1.5, NODE], ["x", None, []]),
    (tuple[int, int], [[1, 2]], [[1], [1, 2, 3], ["a", "b"], 1, "x", None, {}]),
    (tuple[int, ...], [[], [1], [1, 2, 3]], [["a"], 1, {}]),
    (Sequence[str], [[], ["a"]], [[1], 1, {}, None, "a"]),
    (Iterable[nn.Module], [[NODE], []], [{}, {"a": 1}, "a", 1]),
    (list[float], [[1, 0.5]], [[float("nan")], ["a"], 0.5]),
    (Mapping[str, int], [{}, {"a": 1}], [[], "a", 1, None]),
    (Literal["a", 1], ["a", 1], ["b", True, 2, [], None]),
    (Callable[..., nn.Module], [NODE], ["x", 1, [], {"a": 1}, None]),
    (nn.Module, [NODE], ["x", 1, [], None]),
    (Path, ["x"], [1, None, []]),
    (Named, [NODE], ["x", 1, [], {}, None]),
    (Any, ["x", 1, None, [], {}], [float("nan")]),
])
def test_what_fits(hint, good, bad):
    assert [value for value in good if not fits(value, hint)] == []
    assert [value for value in bad if fits(value, hint)] == []
