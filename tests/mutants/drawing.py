"""Draws a sample of the mutants that cosmic-ray can make of the modules."""

from __future__ import annotations

import ast
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import unified_diff
from functools import cache
from hashlib import sha256
from typing import Any

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names
from cosmic_ray.work_item import MutationSpec, WorkItem
from mutants.subjects import SOURCE

_NEVER = frozenset({"name", "newline", "string", "endmarker", "fstring_string", "fstring_start", "fstring_end"})
_PUNCTUATION = frozenset("()[]{},.:;=@") | {"->", "...", ":="}
_UNUSED = frozenset({"core/ExceptionReplacer"})  # fails at exceptions with a dot in their names


@dataclass(frozen=True, order=True)
class Place:
    """Something in a module that can be got wrong: its draw, and one of the ways to get it wrong.

    The draw is a hash of what stands there. The places with the lowest draws are the sample, so that a change of the
    code changes a sample in the lines that it touches, and everything that is known of the others stays.
    """

    drawn: str
    module: str
    operator: str
    occurrence: int
    start: tuple[int, int]
    end: tuple[int, int]

    @property
    def item(self) -> WorkItem:
        """As cosmic-ray keeps it."""
        return WorkItem.single(self.drawn[:32], MutationSpec(
            module_path=SOURCE / self.module, operator_name=self.operator, occurrence=self.occurrence,
            start_pos=self.start, end_pos=self.end))

    def change(self) -> Change:
        """What the mutation makes of the module."""
        before = (SOURCE / self.module).read_text()
        after = mutate_code(before, get_operator(self.operator)(), self.occurrence)
        assert after is not None
        return Change(self.module, before, after)


@dataclass(frozen=True)
class Change:
    """The text of a module before a mutation and after it."""

    module: str
    before: str
    after: str

    @property
    def lines(self) -> tuple[str, ...]:
        """What differs, each line with the sign before it, without the indentation."""
        found = list(unified_diff(self.before.splitlines(), self.after.splitlines(), lineterm="", n=0))[2:]
        return tuple(f"{line[0]} {line[1:].strip()}" for line in found if line[0] in "+-" and line[1:].strip())


def draw(modules: Iterable[str], count: int, seed: int) -> list[Place]:
    """A sample of places in the modules.

    First the place and then the mutation: an operator has a dozen replacements, a negation one, and both are one thing
    to get wrong. The first places of a larger sample with the same seed are those of a smaller one.
    """
    return sorted(place for module in modules for place in _places(module, seed))[:count]


def _places(module: str, seed: int) -> Iterator[Place]:
    text = (SOURCE / module).read_text()
    lines, before = text.splitlines(), Counter[str]()
    for start, ways in sorted(_ways(text).items()):
        what = f"{module}: {lines[start[0] - 1]} at {start[1]}"
        drawn = sha256(f"{seed} {what} {before[what]}".encode()).hexdigest()
        before[what] += 1  # where a line stands more than once
        yield Place(drawn, module, *ways[int(drawn[32:], 16) % len(ways)])


@cache
def _ways(text: str) -> dict[tuple[int, int], list[tuple[str, int, tuple[int, int], tuple[int, int]]]]:
    """The mutations (operator, occurrence, start, end) at each place of a module that computes something."""
    operators = [(name, get_operator(name)()) for name in sorted(operator_names())
                 if name not in _UNUSED and not get_operator(name).arguments()]
    idle, seen = _annotated(text), Counter[str]()
    found = defaultdict[tuple[int, int], list[tuple[str, int, tuple[int, int], tuple[int, int]]]](list)
    for node in ast_nodes(get_ast(text)):
        if node.type in _NEVER or getattr(node, "value", "") in _PUNCTUATION:
            continue
        for name, operator in operators:
            for start, end in operator.mutation_positions(node):
                occurrence, seen[name] = seen[name], seen[name] + 1
                if not _is_star(node) and not any(a <= start < b for a, b in idle[start[0]]):
                    found[start].append((name, occurrence, start, end))
    return {start: sorted(ways) for start, ways in found.items()}


def _is_star(node: Any) -> bool:
    """Whether it only says that the parameters behind it have names."""
    return getattr(node, "value", "") == "*" and node.parent.type in ("parameters", "lambdef")


def _annotated(text: str) -> defaultdict[int, list[tuple[tuple[int, int], tuple[int, int]]]]:
    """By line, where types stand, which nothing reads."""
    spans = defaultdict[int, list[tuple[tuple[int, int], tuple[int, int]]]](list)
    for node in _types(ast.parse(text)):
        span = (node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset)
        for line in range(span[0][0], span[1][0] + 1):
            spans[line].append(span)
    return spans


def _types(tree: ast.Module) -> Iterator[Any]:
    for node in ast.walk(tree):
        if isinstance(node, ast.arg | ast.AnnAssign) and node.annotation is not None:
            yield node.annotation
        if isinstance(node, ast.FunctionDef) and node.returns is not None:
            yield node.returns
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "cast":
            yield node.args[0]
