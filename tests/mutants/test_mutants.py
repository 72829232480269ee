"""Mutation testing works; a sample of it is a step of its own in `.ci/run`."""

import subprocess
import sys

import pytest

pytest.importorskip("cosmic_ray", reason="comes with semsynth[dev]")

from mutants.drawing import draw
from mutants.explained import explanations
from mutants.subjects import ROOT, SOURCE, SUBJECTS, arguments_for


def test_every_module_and_its_tests_are_there():
    for module in SUBJECTS:
        assert (SOURCE / module).is_file(), module
        for test in arguments_for(module):
            assert (ROOT / test.split("::")[0]).is_file(), test


def test_a_sample_is_part_of_a_larger_one_and_repeats():
    few = [name for name in SUBJECTS if name.startswith(("norms/", "layers/"))]
    small, large = draw(few, 20, seed=1), draw(few, 10_000, seed=1)
    assert small == large[:20]
    assert small != draw(few, 20, seed=2)
    assert {place.module for place in large} == set(few)
    for place in large[:100]:
        change = place.change()
        assert change.lines[0] == f"- {change.before.splitlines()[place.start[0] - 1].strip()}", place
        compile(change.after, place.module, "exec")


def test_every_explanation_is_of_code_that_is_there():
    for module, lines in explanations():
        stands = [line.strip() for line in (SOURCE / module).read_text().splitlines()]
        assert lines, module
        assert all(line[2:] in stands for line in lines if line.startswith("- ")), (module, lines)


SCRIPT = """
import sys
from pathlib import Path
from mutants.running import preload, run
from mutants.subjects import SOURCE

preload(["pytest"])
scratch, digits = Path(sys.argv[1]), SOURCE / "digits.py"
(scratch / "test_it.py").write_text("from semsynth.digits import rounded\\ndef test(): assert callable(rounded)")
for text, limit in ((digits.read_text(), 100), ("rounded = 3", 100), ("while True: pass", 5), ("raise OSError", 100)):
    module = "semsynth.digits", digits, text
    ending = run([str(scratch / "test_it.py")], scratch / "said", limit=limit, module=module)
    print(ending.survived, ending.code < 0)
"""


def test_a_mutant_is_read_in_place_of_its_module(tmp_path):
    """One that passes, one that fails, one that never ends, and one that cannot be imported."""
    done = subprocess.run([sys.executable, "-c", SCRIPT, tmp_path], cwd=ROOT / "tests", capture_output=True, text=True)
    assert done.stdout.splitlines() == ["True False", "False False", "False True", "False False"], done.stderr
