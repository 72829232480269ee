"""Reading YAML that anybody may have written, within bounds: plain values, and words where it is something else."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from semsynth.errors import DocumentError

LARGEST = 2**22  # bytes; configurations with 3,000 classes have 2^18
DEEPEST = 64  # levels
LONGEST = 100  # characters of a number: YAML counts in sixties, which takes as long as their square
MOST = 600_000  # values, aliases counted as often as they stand for something
Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml(path: Path) -> Any:
    """The plain values in a YAML file.

    Raises:
        DocumentError: it cannot be read, is too large, too deep or no YAML, or a key stands twice; says where, without
            the file's name.
    """
    try:
        if not path.is_file():
            raise DocumentError("it is no regular file")
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise DocumentError(f"it is larger than {LARGEST >> 20} MiB")
        return parse_yaml(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise DocumentError(f"it is not UTF-8 ({error.reason}, byte {error.start}): save it in that encoding") from None
    except OSError as error:
        raise DocumentError(str(error.strerror or error)) from None


def parse_yaml(text: str) -> Any:
    """The plain values in a YAML text.

    Raises:
        DocumentError: as `read_yaml`.
    """
    loader = None
    try:
        _check_depth(yaml.parse(text, Loader=Loader))
        loader = Loader(text)
        node = loader.get_single_node()
        _check_nodes(node)
        return None if node is None else loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise DocumentError(f"{error.problem or error.context}{f', line {mark.line + 1}' if mark else ''}") from None
    except DocumentError:
        raise
    except (yaml.YAMLError, TypeError) as error:  # TypeError: a table as a key
        raise DocumentError(str(error).splitlines()[0]) from None
    except (ValueError, ArithmeticError, LookupError, AttributeError) as error:  # the last two where a tag says so
        raise DocumentError(f"a value that YAML takes for a number or a date, and is none ({error}): put names into "
                            "quotes") from None
    finally:
        if loader is not None:
            loader.dispose()


def _check_depth(events: Iterator[yaml.Event]) -> None:
    depth = 0
    for count, event in enumerate(events):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST or count > 2 * MOST:
            raise DocumentError("its lists and tables lie too deep, or are too many")


def _check_nodes(node: yaml.Node | None) -> None:
    """Count what a text comes to with its aliases, and look for keys that stand twice."""
    waiting, count = [node], 0
    while waiting:
        here = waiting.pop()
        count += 1
        if count > MOST:
            raise DocumentError("its aliases stand for too many values")
        if isinstance(here, yaml.ScalarNode) and here.tag.endswith((":int", ":float")) and len(here.value) > LONGEST:
            raise DocumentError(f"a number of more than {LONGEST} digits, line {here.start_mark.line + 1}: put names "
                                "into quotes")
        if isinstance(here, yaml.SequenceNode):
            waiting += here.value
        elif isinstance(here, yaml.MappingNode):
            keys = [key.value for key, _ in here.value if isinstance(key, yaml.ScalarNode)]
            if len(set(keys)) < len(keys):
                (twice, _), = Counter(keys).most_common(1)
                raise DocumentError(f"the key {twice:.60} stands twice, line {here.start_mark.line + 1}")
            waiting += [child for pair in here.value for child in pair]
