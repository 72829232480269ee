"""Imports run one way, and Hydra stays where configuration is read."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "semsynth"
FILES = sorted(SOURCE.rglob("*.py"))

# part of the package -> the other parts that it may import
ALLOWED: dict[str, set[str]] = {
    "chance": set(),
    "digits": set(),
    "lookup": set(),
    "distinct": {"lookup"},
    "one_sort": {"lookup", "distinct"},
    "patches": {"lookup", "distinct", "one_sort"},
    "packed": set(),
    "semantics": {"lookup", "patches", "packed"},
    "init": set(),
    "convolution": {"init"},
    "signatures": set(),
    "buildable": {"signatures"},
    "files": set(),
    "matmul": set(),
    "threads": set(),
    "tensor_files": set(),
    "weights": {"signatures", "tensor_files"},
    "backbones": {"tensor_files"},
    "pretrained": {"tensor_files", "backbones"},
    "modulation": {"lookup", "convolution"},
    "norms": {"semantics", "patches", "init", "modulation"},
    "blocks": {"semantics", "init", "convolution", "modulation", "norms"},
    "generators": {"semantics", "init", "convolution", "modulation", "norms", "blocks"},
    "discriminators": {"semantics", "init", "convolution"},
    "encoders": {"semantics", "init", "convolution"},
    "losses": {"semantics", "init", "convolution", "tensor_files", "backbones", "pretrained"},
    "data": {"chance", "semantics", "packed", "digits", "threads"},
    "segmenters": {"semantics", "init", "data", "tensor_files", "backbones", "pretrained"},
    "evaluation": {"chance", "semantics", "norms", "data", "segmenters", "synthesis", "training", "runs", "signatures",
                   "files", "tensor_files", "digits", "threads", "backbones", "pretrained"},
    "training": {"chance", "semantics", "modulation", "losses", "data", "digits", "matmul", "threads"},
    "synthesis": {"semantics", "data", "training", "runs", "signatures", "threads"},
    "reporting": {"semantics", "data", "training", "evaluation", "runs", "signatures", "files", "buildable"},
    "papers": {"chance", "semantics", "norms", "data", "segmenters", "training", "evaluation", "reporting", "runs",
               "synthesis", "signatures", "files", "tensor_files", "buildable"},
    "runs": {"evaluation", "signatures", "buildable", "weights", "checkpoints", "training", "data",
             "config"},
    "config": {"signatures", "buildable", "data", "matmul"},
    "checkpoints": {"semantics", "norms", "data", "segmenters", "synthesis", "runs", "signatures", "weights",
                    "tensor_files"},
    "cli": {"signatures", "buildable", "runs"},
    "synthesizer": {"synthesis", "semantics", "runs", "signatures"},
    "__init__": {"synthesizer", "synthesis", "semantics", "runs"},
}
# what training may know of modulation, losses and data: interfaces, not a norm, a term or a data set
INTERFACES = {"semsynth.modulation.shared", "semsynth.losses.step", "semsynth.data.batch", "semsynth.data.errors"}


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


@pytest.mark.parametrize("path", [p for p in FILES if part_of(p) == "training"], ids=lambda p: p.name)
def test_training_knows_interfaces(path):
    for name in imports(path):
        if name.startswith(("semsynth.modulation", "semsynth.norms", "semsynth.losses", "semsynth.data")):
            assert name in INTERFACES, f"{path} imports {name}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_hydra_stays_in_config_runs_and_commands(path):
    if part_of(path) not in ("config", "runs", "cli"):
        assert not {n for n in imports(path) if n.split(".")[0] in ("hydra", "omegaconf")}


def test_the_first_checks_import_no_torch():
    """A wrong value is answered at once: config and runs import torch and Lightning only inside functions."""
    files, folders = ("signatures", "buildable"), ("config", "runs", "cli")
    light = (*(f"semsynth.{name}" for name in files), *(f"semsynth.{name}." for name in folders))
    for path in [*(SOURCE / f"{name}.py" for name in files),
                 *(path for name in folders for path in (SOURCE / name).glob("*.py"))]:
        body = ast.parse(path.read_text()).body
        top = {alias.name for node in body if isinstance(node, ast.Import) for alias in node.names}
        top |= {node.module for node in body if isinstance(node, ast.ImportFrom)}
        assert not {m for m in top if m.split(".")[0] in ("torch", "pytorch_lightning")}
        ours = {m for m in top if m.startswith("semsynth")}
        assert all(m == "semsynth.runs" or m.startswith(light) for m in ours)


def test_what_may_be_missing_is_imported_where_it_is_used():
    """Everything else works without W&B, its reports and TensorBoard."""
    for path in FILES:
        body = ast.parse(path.read_text()).body
        top = {alias.name for node in body if isinstance(node, ast.Import) for alias in node.names}
        top |= {node.module for node in body if isinstance(node, ast.ImportFrom) and node.module}
        assert not {name for name in top if name.split(".")[0] in ("wandb", "wandb_workspaces", "tensorboard")}, path
