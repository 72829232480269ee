"""Imports run one way, and Hydra stays where configuration is read."""

import ast
from functools import cache
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "semsynth"
FILES = sorted(SOURCE.rglob("*.py"))

# part of the package -> the other parts that it imports, from the ground up: none imports a later one
ALLOWED: dict[str, set[str]] = {
    "chance": set(),
    "class_names": set(),
    "digits": set(),
    "errors": set(),
    "layers": set(),
    "machine": set(),
    "matmul": set(),
    "place": set(),
    "semantics": set(),
    "shipped": set(),
    "style": set(),
    "threads": {"place"},
    "device": {"errors"},
    "discriminators": {"layers", "semantics"},
    "documents": {"errors"},
    "drawing": {"semantics", "style"},
    "encoders": {"layers", "semantics", "style"},
    "interfaces": {"semantics", "style"},
    "modulation": {"layers", "semantics"},
    "serving": {"errors"},
    "sharing": {"errors"},
    "signatures": {"errors"},
    "spelling": {"shipped"},
    "weights": {"errors", "machine"},
    "backbones": {"errors", "weights"},
    "buildable": {"errors", "signatures"},
    "data": {"chance", "class_names", "digits", "errors", "machine", "semantics", "threads", "documents",
             "interfaces", "sharing", "spelling", "weights"},
    "norms": {"layers", "semantics", "modulation"},
    "pictures": {"weights"},
    "checkpoints": {"errors", "weights", "data"},
    "config": {"class_names", "errors", "matmul", "place", "signatures", "buildable", "data"},
    "generators": {"errors", "layers", "semantics", "style", "modulation", "norms"},
    "pretrained": {"errors", "spelling", "weights", "backbones"},
    "synthesis": {"chance", "documents", "errors", "semantics", "style", "threads", "drawing", "sharing", "weights",
                  "data", "pictures"},
    "complexity": {"chance", "digits", "errors", "layers", "semantics", "style", "device", "interfaces", "signatures",
                   "weights", "norms", "generators"},
    "losses": {"errors", "layers", "semantics", "sharing", "style", "weights", "backbones", "pretrained"},
    "segmenters": {"class_names", "errors", "weights", "backbones", "buildable", "pretrained"},
    "exporting": {"errors", "layers", "semantics", "spelling", "style", "weights", "norms", "pretrained", "checkpoints",
                  "generators", "synthesis", "segmenters"},
    "metrics": {"chance", "errors", "interfaces", "sharing", "spelling", "weights", "backbones", "data", "pretrained",
                "segmenters"},
    "training": {"chance", "digits", "errors", "device", "machine", "matmul", "semantics", "style", "threads",
                 "interfaces", "modulation", "sharing", "spelling", "weights", "pictures", "losses"},
    "runs": {"class_names", "errors", "place", "shipped", "documents", "sharing", "signatures", "spelling", "weights",
             "buildable", "checkpoints", "config", "segmenters", "metrics", "training"},
    "cli": {"errors", "machine", "shipped", "signatures", "spelling", "config", "runs"},
    "evaluation": {"chance", "digits", "errors", "semantics", "style", "threads", "drawing", "interfaces", "sharing",
                   "spelling", "weights", "data", "pictures", "pretrained", "synthesis", "segmenters", "metrics",
                   "training", "runs"},
    "synthesizer": {"errors", "semantics", "style", "device", "drawing", "interfaces", "synthesis", "runs"},
    "demo": {"errors", "interfaces", "semantics", "serving", "style", "data", "pictures", "synthesis", "synthesizer"},
    "__init__": {"style", "synthesizer"},
    "__main__": {"signatures", "spelling", "cli"},
    "reporting": {"class_names", "digits", "errors", "semantics", "drawing", "spelling", "weights", "pictures",
                  "complexity", "training", "runs", "evaluation"},
    "preference": {"chance", "errors", "semantics", "serving", "spelling", "drawing", "weights", "data", "pictures",
                   "synthesis", "runs"},
    "papers": {"chance", "device", "errors", "semantics", "shipped", "style", "drawing", "signatures", "spelling",
               "weights", "data", "norms", "pictures", "generators", "synthesis", "complexity", "metrics", "runs",
               "reporting", "preference"},
    "commands": {"errors", "matmul", "serving", "shipped", "signatures", "device", "sharing", "spelling", "data",
                 "config", "pretrained", "synthesis", "complexity", "segmenters", "exporting", "metrics", "runs", "cli",
                 "evaluation", "synthesizer", "demo", "reporting", "preference", "papers", "weights"},
}
# what training may know of modulation and losses: interfaces, not a norm or a term
INTERFACES = {"semsynth.modulation.shared", "semsynth.losses.inputs", "semsynth.semantics.batch"}


@cache
def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            module = node.module or ""
            found |= {f"semsynth.{a.name}" for a in node.names} if module == "semsynth" else {module}
    return found


def part_of(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_imports_run_one_way(path):
    part = part_of(path)
    assert part in ALLOWED, f"say in this test what {part} may import"
    for name in imports(path):
        if name.startswith("semsynth."):
            other = name.split(".")[1]
            assert other == part or other in ALLOWED[part], f"{path} imports {name}"


def test_no_part_imports_a_later_one():
    """So that no two parts import each other, in whatever circle."""
    order = list(ALLOWED)
    for part, others in ALLOWED.items():
        assert all(order.index(other) < order.index(part) for other in others), part


def test_every_permission_is_used():
    used = {part: {name.split(".")[1] for path in FILES if part_of(path) == part for name in imports(path)
                   if name.startswith("semsynth.")} - {part} for part in ALLOWED}
    assert used == ALLOWED


@pytest.mark.parametrize("path", [p for p in FILES if part_of(p) == "training"], ids=lambda p: p.name)
def test_training_knows_interfaces(path):
    for name in imports(path):
        if name.startswith(("semsynth.modulation", "semsynth.norms", "semsynth.losses", "semsynth.data")):
            assert name in INTERFACES, f"{path} imports {name}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_hydra_stays_in_config_runs_and_commands(path):
    if part_of(path) not in ("config", "runs", "cli", "commands"):
        assert not {n for n in imports(path) if n.split(".")[0] in ("hydra", "omegaconf")}


def test_the_first_checks_import_no_torch():
    """A wrong value is answered at once: config and runs import torch and Lightning only inside functions.

    So does what they call there, such as the transfer of weights.
    """
    files = ("class_names", "documents", "errors", "machine", "place", "shipped", "spelling", "signatures", "buildable",
             "weights.files", "training.signals")
    folders = ("config", "runs", "cli")
    light = (*(f"semsynth.{name}" for name in files), *(f"semsynth.{name}." for name in folders))
    for path in [*(path for name in files if (path := SOURCE / f"{name.replace('.', '/')}.py").is_file()),
                 SOURCE / "shipped/__init__.py", SOURCE / "weights/__init__.py",
                 *(path for name in folders for path in (SOURCE / name).glob("*.py") if path.name != "transfer.py")]:
        body = ast.parse(path.read_text()).body
        top = {alias.name for node in body if isinstance(node, ast.Import) for alias in node.names}
        top |= {node.module for node in body if isinstance(node, ast.ImportFrom)}
        assert not {m for m in top if m.split(".")[0] in ("torch", "pytorch_lightning")}
        ours = {m for m in top if m.startswith("semsynth")}
        assert all(m in ("semsynth", "semsynth.runs", "semsynth.shipped") or m.startswith(light) for m in ours)


def test_what_may_be_missing_is_imported_where_it_is_used():
    """Everything else works without W&B, its reports, TensorBoard and what shards are read with."""
    for path in FILES:
        body = ast.parse(path.read_text()).body
        top = {alias.name for node in body if isinstance(node, ast.Import) for alias in node.names}
        top |= {node.module for node in body if isinstance(node, ast.ImportFrom) and node.module}
        missing = ("wandb", "wandb_workspaces", "tensorboard", "litdata")
        assert not {name for name in top if name.split(".")[0] in missing}, path
