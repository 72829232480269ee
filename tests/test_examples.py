"""The examples in docstrings: public classes have one, and what it shows is so."""

import ast
import doctest
import importlib
from pathlib import Path

import pytest
import torch

SOURCE = Path(__file__).parents[1] / "src" / "semsynth"
SHOWN = ["norms", "losses", "metrics", "generators", "discriminators", "encoders", "style.py", "semantics/semantics.py"]
WITH_EXAMPLES = [path.relative_to(SOURCE) for path in sorted(SOURCE.rglob("*.py")) if ">>>" in path.read_text()
                 and path.name != "synthesizer.py"]  # whose example draws from a run: tests/test_synthesizer.py

EXCEPTIONS = {
    "DINOv2Features": "needs weights that everybody gets for themselves",
    "EfficientNetFeatures": "needs the weights of a package that need not be there",
    "EfficientNetPerceptual": "needs the weights of a package that need not be there",
    "InceptionFeatures": "needs weights that are downloaded",
    "Lpips": "needs weights that are downloaded",
    "Perceptual": "needs weights that are downloaded",
    "PerceptualRegression": "needs weights that are downloaded",
    "DiversePerceptualRegression": "needs weights that are downloaded",
    "InstanceStyled": "is a part of the networks of pix2pixHD, which have examples",
}


def public_classes():
    """Name and docstring of every class that can be made; a `Protocol` only says what others have."""
    files = [path for shown in SHOWN for path in sorted((SOURCE / shown).glob("*.py")) or [SOURCE / shown]]
    return [(node.name, ast.get_docstring(node) or "") for path in files for node in ast.parse(path.read_text()).body
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
            and "Protocol" not in {ast.unparse(base) for base in node.bases}]


def test_every_public_class_shows_what_it_does():
    classes = public_classes()
    assert len(classes) > 50
    without = {name for name, text in classes if ">>>" not in text}
    assert without - {*EXCEPTIONS} == set(), "an example in the docstring is missing"
    assert {*EXCEPTIONS} - without == set(), "these are no exceptions any more"


@pytest.mark.parametrize("path", WITH_EXAMPLES, ids=str)
def test_examples_tell_the_truth(path):
    module = importlib.import_module(".".join(("semsynth", *path.with_suffix("").parts)))
    runner, said, attempted = doctest.DocTestRunner(), [], 0
    for example in doctest.DocTestFinder().find(module, extraglobs={"torch": torch}):
        attempted += runner.run(example, out=said.append).attempted
    assert attempted
    assert not said, "".join(said)
