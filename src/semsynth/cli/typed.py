"""Arguments as people type them, made into what Hydra reads.

Hydra's grammar gives a meaning to ``= ( ) [ ] , ~`` and knows no letters beyond ASCII, so that many names of files
would have to be quoted twice, once for it and once for the shell. Here a value that it cannot read is taken as it is.
"""

import os
import re
from collections.abc import Sequence
from pathlib import Path

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException

from semsynth.cli.folders import groups_of
from semsynth.cli.meanings import chosen
from semsynth.config.keys import names_file
from semsynth.errors import ConfigError
from semsynth.spelling import literal, quoted

HELP = ("--help", "-h")
SWEEP = ("--multirun", "-m")
WITH_VALUE = ("--cfg", "-c", "--package", "-p", "--config-path", "-cp", "--config-name", "-cn", "--config-dir", "-cd",
              "--info", "-i", "--experimental-rerun")
FLAGS = (*HELP, *SWEEP, *WITH_VALUE, "--hydra-help", "--version", "--resolve", "--run", "-r", "--shell-completion",
         "-sc")
FUNCTION = re.compile(r"(choice|range|interval|glob|sort|shuffle|tag|extend_list|int|float|str|bool|json_str)\(")


def asks_for_help(arguments: Sequence[str]) -> bool:
    """Whether the command line asks for help."""
    return any(argument in HELP for argument in arguments)


def as_overrides(arguments: Sequence[str], file: Path) -> list[str]:
    """The arguments as Hydra reads them: values that it cannot read are quoted, ``~/`` is the home directory.

    A value with commas, which Hydra takes for the values of a sweep, is a name where a file or folder has it; so is a
    number, of keys that take the name of a file. Flags come first, wherever they were typed: between others Hydra does
    not know what follows them.

    Args:
        arguments: Command-line arguments.
        file: The command's file in conf/.

    Raises:
        ConfigError: an argument that is no ``KEY=VALUE`` and no flag; says how it is written.
    """
    sweep = any(argument in SWEEP for argument in arguments)
    flags, found, value_of_flag = [], [], False
    for argument in arguments:
        if argument in ("", *HELP):
            continue
        if value_of_flag or argument.startswith("-"):
            value_of_flag = not value_of_flag and argument in WITH_VALUE
            if argument.startswith("-") and argument.partition("=")[0] not in FLAGS:
                raise ConfigError(_without_dashes(argument))
            flags.append(argument)
        elif "=" not in argument and not argument.startswith("~"):
            raise ConfigError(_bare(argument, file))
        else:
            key, equals, value = argument.partition("=")
            as_name = names_file(key.lstrip("+"), file.stem) and _is_number(value)
            found.append(f"{key}={literal(value) if as_name else readable(value, sweep)}" if equals else argument)
    return flags + found


def readable(value: str, sweep: bool = False) -> str:
    """A value as Hydra reads it, quoted where it cannot as it stands.

    Args:
        value: As it was typed.
        sweep: Whether commas part the values of a sweep.
    """
    read = _read(value)
    if read is not None:
        return literal(value) if _is_name(value, read, sweep) else value
    name = os.path.expanduser(value) if re.match("~(/|$)", value) else value
    if os.path.exists(name):
        return literal(name)
    if value[:1] == "[" and value[-1:] == "]":
        return f"[{','.join(readable(part.strip()) for part in value[1:-1].split(','))}]"
    if sweep and "," in value:
        return ",".join(readable(part) for part in value.split(","))
    if value[:1] in ("[", "{", "'", '"') or FUNCTION.match(value):
        return value  # meant for Hydra's grammar: Hydra says what is wrong with it
    return quoted(name)


def plain(value: str) -> str:
    """A value without the quotes that Hydra would take off."""
    read = _read(value)
    words = None if read is None or read.is_sweep_override() else read.value()
    return words if isinstance(words, str) else value


def _read(value: str) -> Override | None:
    """How Hydra reads a value; None where it cannot."""
    try:
        return OverridesParser.create().parse_override(f"key={value}")
    except HydraException:
        return None


def _is_name(value: str, read: Override, sweep: bool) -> bool:
    """Whether a value that Hydra can read is a path all the same: there is such a file, or a place to make it."""
    if read.is_sweep_override():
        folder = os.path.dirname(value)
        return os.path.exists(value) or (not sweep and folder != "" and os.path.isdir(folder))
    return isinstance(read.value(), str) and (read.value() != value or "${" in value) and os.path.exists(value)


def _is_number(value: str) -> bool:
    """Whether Hydra reads a value as a number or as true or false, which a file may be called too."""
    read = _read(value)
    return read is not None and not read.is_sweep_override() and isinstance(read.value(), int | float)


def _without_dashes(argument: str) -> str:
    key, equals, value = argument.lstrip("-").partition("=")
    return f"{argument}: write {key}={value if equals else 'VALUE'}, without dashes (--help lists the keys)"


def _bare(word: str, file: Path) -> str:
    groups = groups_of(file)
    meant = [f"{group}={word}" for group in chosen(file) if word in groups.get(group, ())]
    return f"{word}: arguments are written KEY=VALUE" + (f"; did you mean {' or '.join(meant)}?" if meant else "")
