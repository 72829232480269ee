"""Which surviving mutants are known to change nothing that a test should see, from docs/mutants.md."""

from __future__ import annotations

from functools import cache

from mutants.drawing import Change
from mutants.subjects import ROOT

DOCS = ROOT / "docs" / "mutants.md"


@cache
def explanations() -> dict[tuple[str, tuple[str, ...]], str]:
    """The reason by module and changed lines: blocks of a line `# module: reason` and the lines with their signs."""
    found: dict[tuple[str, tuple[str, ...]], str] = {}
    inside, head, lines = False, "", list[str]()
    for line in [*DOCS.read_text().splitlines(), "```"]:
        if lines and (not line or line.startswith(("# ", "```"))):
            module, reason = head.split(": ", 1)
            found[module, tuple(lines)] = reason
            head, lines = "", []
        if line.startswith("```"):
            inside = line == "```diff"
        elif inside and line.startswith("# "):
            head = f"{head} {line[2:]}".strip()
        elif inside and line:
            lines.append(line)
    return found


def explanation(change: Change) -> str | None:
    """Why nothing can tell a change from what was there, None where nobody has said so."""
    return explanations().get((change.module, change.lines))
