"""Running kinds of cases, seeded, and counting what came of them."""

import importlib
import json
import pkgutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from pathlib import Path
from types import ModuleType

import numpy as np

import campaigns
from campaigns.isolation import run
from campaigns.outcomes import RESULTS, Outcome

Tell = Callable[[Outcome], None]


def kinds() -> dict[str, ModuleType]:
    """The modules of this package that hold a kind of inputs, by its name."""
    modules = [importlib.import_module(f"campaigns.{found.name}") for found in pkgutil.iter_modules(campaigns.__path__)
               if not found.name.startswith(("_", "test_"))]
    return {module.KIND: module for module in modules if hasattr(module, "KIND")}


def outcomes(module: ModuleType, count: int, seed: int, tell: Tell = lambda _: None) -> list[Outcome]:
    """The outcomes of the first cases of a kind.

    Args:
        module: Of the kind.
        count: Cases.
        seed: The same one makes the same cases; each kind has a stream of its own.
        tell: Called with each outcome as it comes.
    """
    random = np.random.default_rng([seed, *module.KIND.encode()])
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for case in islice(module.cases(random, Path(folder)), count):
            found.append(run(module.KIND, case))
            tell(found[-1])
    return found


def table(found: Iterable[Outcome]) -> str:
    """Counts by kind, in Markdown."""
    counts: dict[str, Counter[str]] = {}
    for outcome in found:
        counts.setdefault(outcome.kind, Counter())[outcome.result] += 1
    rows = [("kind", "cases", *RESULTS)]
    for kind, results in [*sorted(counts.items()), ("all", sum(counts.values(), Counter()))]:
        rows.append((kind, str(results.total()), *(str(results[name]) for name in RESULTS)))
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], f"|---|{'---:|' * (len(rows[0]) - 1)}", *lines[1:]])


def write(path: Path, found: Sequence[Outcome], seed: int) -> None:
    """Keep all outcomes as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"seed": seed, "outcomes": [outcome.as_dict() for outcome in found]}, indent=1))
