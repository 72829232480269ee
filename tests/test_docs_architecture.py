"""docs/architecture.md names every part of the package, and its picture draws imports that there are."""

import re

from commands import ROOT
from test_imports import ALLOWED, SOURCE

TEXT = (ROOT / "docs" / "architecture.md").read_text()
PARTS = {path.stem for path in SOURCE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
ARROWS = {"-->", "==>", "-.->"}


def picture():
    """The nodes of the Mermaid block, parts and things on a disk apart, and its arrows (from, kind, to)."""
    block, = re.findall(r"```mermaid\nflowchart TD\n(.*?)```", TEXT, re.DOTALL)
    parts, things, arrows = set(), set(), []
    for line in filter(None, map(str.strip, block.splitlines())):
        if part := re.fullmatch(r'(\w+)\["\1"\]', line):
            parts.add(part[1])
        elif thing := re.fullmatch(r'(\w+)\[\(".+"\)\]', line):
            things.add(thing[1])
        else:
            one, kind, other = line.split()
            assert kind in ARROWS, line
            arrows.append((one, kind, other))
    return parts, things, arrows


def test_every_part_has_a_row():
    """Also one that is a single file; and no row is left of a part that is gone."""
    rooms = re.findall(r"^\| `(\w+)` \| .+ \| .+ \|$", TEXT, re.MULTILINE)
    assert sorted(rooms) == sorted(PARTS - {"__init__"})


def test_the_rows_stand_from_the_ground_up():
    rooms = re.findall(r"^\| `(\w+)` \| ", TEXT, re.MULTILINE)
    for index, part in enumerate(rooms):
        assert ALLOWED[part] <= set(rooms[:index]), part


def test_nodes_are_parts_or_things_on_a_disk():
    parts, things, arrows = picture()
    assert parts <= PARTS
    assert not things & PARTS
    assert {end for one, _, other in arrows for end in (one, other)} == parts | things


def test_arrows_are_imports():
    """Solid: the head imports the tail. Thick: the tail imports the head. Dotted: neither does."""
    parts, _, arrows = picture()
    assert {kind for _, kind, _ in arrows} == ARROWS
    for one, kind, other in arrows:
        if {one, other} <= parts:
            imports = other in ALLOWED[one], one in ALLOWED[other]
            assert imports == {"-->": (False, True), "==>": (True, False), "-.->": (False, False)}[kind], (one, other)
        else:
            assert kind == "-->", (one, other)
