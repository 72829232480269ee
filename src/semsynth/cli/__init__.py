"""The commands as they are typed: arguments, `--help`, and every way to be refused in words.

A script says what it does in its docstring, with an example a line, and what its keys mean in the comments of its file
in conf/; `command` makes the rest of it.
"""

from semsynth.cli.command import REFUSED, command
from semsynth.cli.rehearsal import rehearse
from semsynth.cli.suggestions import check_words

__all__ = ["REFUSED", "check_words", "command", "rehearse"]
