"""How a command is typed: `python train.py` in the source tree, `semsynth train` where the package alone is there.

Messages name commands as in the source tree; what prints them takes `as_typed_here`.
"""

import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from semsynth.shipped import IN_SOURCE_TREE

COMMANDS = tuple(sorted(path.stem for path in Path(__file__).with_name("commands").glob("[!_]*.py")))
AT_ROOT = ("train", "evaluate", "synthesize", "demo")  # the scripts of the others lie in tools/
SCRIPT = re.compile(rf"(?<![\w./-])(?:python )?(?:tools/)?({'|'.join(COMMANDS)})\.py\b")
PLAIN = re.compile(r"(?!(null|true|false|nan|inf)$)(\.{0,2}/|[a-z_])[\w./+:@%-]*", re.ASCII | re.IGNORECASE)


def typed(command: Sequence[str]) -> str:
    """A command, its name and its arguments, as it is typed into a shell."""
    name, *arguments = command
    script = f"{name}.py" if name in AT_ROOT else f"tools/{name}.py"
    return " ".join([as_typed_here(f"python {script}"), *map(shlex.quote, arguments)])


def named(key: str, *names: object) -> str:
    """The argument that gives a key the name of a file or folder, or each of several in a sweep, whatever it is.

    As Hydra's grammar has it, not the shell's: that is `typed`.

    >>> named("run", "runs/a"), named("run", "runs/lr=2, (1)")
    ('run=runs/a', 'run="runs/lr=2, (1)"')
    """
    return f"{key}={','.join(literal(str(name)) for name in names)}"


def resume_command(run_dir: object) -> str:
    """What is typed to go on with a training."""
    return typed(["train", named("resume", run_dir)])


def literal(name: str) -> str:
    """A name as a value that Hydra reads as it is: in quotes where it is not plain, and without interpolation."""
    return name if PLAIN.fullmatch(name) else quoted(re.sub(r"(\\*)\$\{", r"\1\1\\${", name))


def quoted(text: str) -> str:
    """A text in quotes of Hydra's grammar, where backslashes count before a quote alone."""
    escaped = re.sub(r'(\\*)"', r'\1\1\\"', text)
    return '"' + re.sub(r"(\\+)\Z", r"\1\1", escaped) + '"'


def started_as(name: str) -> str:
    """The command that this process was started with, as it is typed into a shell."""
    words = sys.argv[1:]
    return typed([name, *(words[1:] if words[:1] in ([name], [hyphened(name)]) else words)])


def as_typed_here(text: str) -> str:
    """A text that names commands by their scripts, as in `python tools/check_data.py`, with what can be typed here."""
    return text if IN_SOURCE_TREE else installed(text)


def installed(text: str) -> str:
    """The same text with `semsynth check-data` for `python tools/check_data.py`."""
    return SCRIPT.sub(lambda found: f"semsynth {hyphened(found[1])}", text)


def hyphened(name: str) -> str:
    """The name of a command as it follows `semsynth`."""
    return name.replace("_", "-")
