"""`semsynth COMMAND KEY=VALUE ...`: every command by its name; `python -m semsynth COMMAND ...` is the same."""

import ast
import importlib
import sys
from pathlib import Path

from semsynth.spelling import COMMANDS, hyphened

HELP = ("--help", "-h", "help")


def main() -> None:
    """Call the command that is named first with the other arguments; without one, list them all."""
    name, *arguments = sys.argv[1:] or HELP
    if name in HELP:
        return print(listing())
    command = name.replace("-", "_")
    if command not in COMMANDS:
        from semsynth.cli import REFUSED
        from semsynth.signatures import near

        there = [hyphened(known) for known in COMMANDS]
        print(f"{name}: there is no such command{near(name, there)} (there are {', '.join(there)})", file=sys.stderr)
        sys.exit(REFUSED)
    importlib.import_module(f"semsynth.commands.{command}").main(arguments)


def listing() -> str:
    """The commands, each with the first line of what it says of itself; nothing is imported for it."""
    width = max(map(len, COMMANDS))
    lines = [f"  {hyphened(name):<{width}}  {_about(name)}" for name in COMMANDS]
    more = "semsynth COMMAND --help says more of one: examples, its keys and their values."
    return "\n".join(["semsynth COMMAND KEY=VALUE ...", "", *lines, "", more])


def _about(command: str) -> str:
    source = Path(__file__).with_name("commands") / f"{command}.py"
    return (ast.get_docstring(ast.parse(source.read_text(encoding="utf-8"))) or "").partition("\n")[0]


if __name__ == "__main__":
    main()
