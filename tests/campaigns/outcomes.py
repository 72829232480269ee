"""What a mutated input is, which answer to it is right, and what came of it.

A kind of inputs is a module of this package with two names:

    KIND = "masks"
    def cases(random: numpy.random.Generator, folder: Path) -> Iterator[Case]    # endless; all chance from `random`

It prepares what its cases share when `cases` is started, in `folder`. A case runs in a process of its own
(`isolation.py`), so that what it changes in memory is gone after it.
"""

import contextlib
import io
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

import torch

from semsynth.cli.command import in_words

RESULTS = ("right", "traceback", "hang", "memory", "code", "wrongly accepted", "wrongly refused")
LONGEST = 6000  # characters of an answer; nobody reads more
TRACEBACK = "Traceback (most recent call last)"

Right = Literal["refused", "accepted"] | Callable[[Any], str | None]


@dataclass(frozen=True)
class Case:
    """One input and how it must be answered.

    Args:
        name: What was done to which input; with the seed it finds the case again.
        call: Does what a user does, in this process, and returns what came of it.
        right: `refused`: in words, an error of this package, or SystemExit with a message; `accepted`; or an oracle
            that gets what `call` returned and says what is wrong with it, None for nothing. An oracle takes a refusal
            in words as well: where a refusal would be wrong, `call` turns it into a value.
    """

    name: str
    call: Callable[[], Any]
    right: Right


@dataclass(frozen=True)
class Outcome:
    """What came of a case: one of RESULTS, with the words of the answer, and what it cost."""

    kind: str
    name: str
    result: str
    words: str = ""
    seconds: float = 0.0
    megabytes: float = 0.0  # of memory beyond what the process began with

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def judge(case: Case) -> tuple[str, str]:
    """Run a case here; return which of RESULTS it is, and the words."""
    out, err = io.StringIO(), io.StringIO()
    refused, value = False, None
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            value = case.call()
    except SystemExit as stop:
        refused = stop.code not in (None, 0)
        words = stop.code if isinstance(stop.code, str) else err.getvalue() or out.getvalue()
    except Exception as error:
        if is_memory(error):
            return "memory", repr(error)
        if in_words(error) is None:
            return "traceback", _place(error)
        refused, words = True, str(in_words(error))
    else:
        words = err.getvalue()
    if TRACEBACK in err.getvalue() or TRACEBACK in words:
        return "traceback", words
    if refused and not words.strip():
        return "traceback", "refused without words"
    if len(words) > LONGEST:
        return "traceback", f"{len(words)} characters of words: {words[:500]}"
    return _against(case.right, refused, value, words.strip())


def is_memory(error: BaseException | None) -> bool:
    """Whether an error, or what it came of, says that memory ran out."""
    while error is not None:
        if isinstance(error, MemoryError | torch.OutOfMemoryError) or "can't allocate memory" in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False


def _against(right: Right, refused: bool, value: Any, words: str) -> tuple[str, str]:
    if right == "refused":
        return ("right" if refused else "wrongly accepted"), words
    if right == "accepted":
        return ("wrongly refused" if refused else "right"), words
    fault = None if refused else right(value)
    return ("right", words) if fault is None else ("wrongly accepted", fault)


def _place(error: BaseException) -> str:
    """An error without words in one line, with the last of our lines that it passed."""
    trace, place = error.__traceback__, ""
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if "/semsynth/" in file:
            place = f"{file.rpartition('/semsynth/')[2]}:{trace.tb_lineno}"
        trace = trace.tb_next
    return f"{type(error).__name__} at {place or '?'}: {error}"
