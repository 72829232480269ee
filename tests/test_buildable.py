"""A run directory from anybody builds networks, and nothing else: what its configuration names is read, not run."""

import ast
import builtins
import copy
import importlib
import inspect
import os
import pathlib
import shutil
import subprocess
import sys
from importlib.metadata import packages_distributions

import hydra.utils
import numpy
import PIL.Image
import pytest
import torch
import yaml
from commands import ROOT, composed
from omegaconf import OmegaConf

from semsynth import Synthesizer, config, runs
from semsynth.buildable import NAMES, PACKAGE, check_names, check_stored, may_be_built
from semsynth.commands.export import write
from semsynth.commands.synthesize import draw
from semsynth.errors import ConfigError, ReportError, SegmenterError
from semsynth.evaluation import arguments, sources
from semsynth.reporting import collect
from semsynth.segmenters.network_file import network_class
from semsynth.signatures import targets

FILES = sorted([*(ROOT / "conf").rglob("*.yaml"), *(ROOT / "experiments").rglob("*.yaml")])
# modules whose every public name is tried, and names that do their harm through hydra or through attributes
FOREIGN = (builtins, os, os.path, shutil, subprocess, importlib, pathlib, pathlib.Path, numpy, torch, torch.jit,
           torch.hub, torch.serialization, torch.utils, PIL.Image, hydra.utils, sys, inspect, yaml)
CHOSEN = (
    "cv2.FileStorage", "cv2.imwrite", "pickle.load", "pickle.loads", "runpy.run_path", "code.interact", "pty.spawn",
    "ctypes.CDLL", "functools.partial", "functools.reduce", "operator.methodcaller", "operator.attrgetter", "pdb.run",
    "timeit.timeit", "webbrowser.open", "socket.create_server", "tempfile.mkdtemp", "zipfile.ZipFile",
    "multiprocessing.Process", "threading.Thread", "logging.config.dictConfig", "torch.nn.Module",
    "torch.nn.functional.relu", "torch.export.load", "torch.utils.cpp_extension.load", "torch.utils.data.DataLoader",
    "torch.nn.modules.batchnorm.torch.load", "torch.nn.BatchNorm2d.load_state_dict",
    "torch.optim.Adam.load_state_dict", "torchvision.models.resnet18", "torchvision.io.read_image",
    "omegaconf.OmegaConf.save", "omegaconf.OmegaConf.register_new_resolver", "hydra.utils.get_method",
    "hydra.utils.get_class", "hydra.utils.get_object", "hydra.utils.instantiate",
    "hydra._internal.instantiate._instantiate2.instantiate", "pytorch_lightning.Trainer.save_checkpoint",
    "pytorch_lightning.trainer.trainer.os.system", "albumentations.load", "albumentations.ReplayCompose",
    "semsynth.data.masks.Image.open", "semsynth.synthesizer.torch.load", "semsynth.evaluation.report.subprocess.run",
    "semsynth.training.preemption.subprocess", "semsynth.signatures.locate",
    "semsynth.signatures.importlib.import_module", "semsynth.weights.run_file.save_weights",
    "semsynth.weights.run_file.os.remove",
    "semsynth.runs.save_config", "semsynth", "semsynth.", "semsynth.norms", "semsynth.norms.clade",
    "semsynth.norms.clade.", "semsynth..clade.CLADE", ".semsynth.norms.clade.CLADE",
    "semsynth.norms.clade.CLADE.__init__", "semsynth.norms.clade.CLADE.load_state_dict",
    "semsynth.norms.clade.nn.Module", "semsynth.norms.../clade.CLADE", "semsynth/norms/clade.CLADE",
    "semsynth_evil.norms.CLADE", "semsynth.Synthesizer.from_run", "norms.clade.CLADE", "", "___", "???", "torch.nn",
    "torch.optim",
)


def imported_names():
    """Names of this package that stand in a file without being defined in it, and the functions that no yaml names."""
    for path in sorted(PACKAGE.rglob("*.py")):
        module = ".".join(("semsynth", *path.relative_to(PACKAGE).with_suffix("").parts))
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                for alias in node.names:
                    yield f"{module}.{alias.asname or alias.name}"
                    yield f"{module}.{alias.asname or alias.name}.load"
            elif isinstance(node, ast.FunctionDef) and f"{module}.{node.name}" not in NAMES:
                yield f"{module}.{node.name}"


def foreign_names():
    for holder in FOREIGN:
        name = holder.__name__ if inspect.ismodule(holder) else f"{holder.__module__}.{holder.__qualname__}"
        yield from (f"{name}.{member}" for member in dir(holder) if callable(getattr(holder, member, None)))


def test_what_this_project_names_may_be_built():
    named = {node["_target_"] for path in FILES for key, node in targets(yaml.safe_load(path.read_text()))
             if not node["_target_"].startswith(("semsynth.papers.", "semsynth.preference."))  # which no run stores
             and not key.startswith("hydra.")}  # nor these
    assert len(named) > 60
    assert not sorted(name for name in named if not may_be_built(name))
    for name in NAMES - named:  # nothing is listed that is not needed
        pytest.fail(f"{name} is named in no yaml")
    for name in ("semsynth.data.label_maps.OtherLabels", "semsynth.data.label_maps.LabelMaps"):  # of config/streams.py
        assert may_be_built(name)


def test_names_from_elsewhere_may_not():
    names = [*CHOSEN, *foreign_names(), *imported_names()]
    assert len(names) > 2000
    assert not [name for name in names if may_be_built(name)]


def test_no_module_there_is_may_be_built_or_is_imported(tmp_path):
    """Of all that the standard library and the installed packages have; the checks import nothing to find out."""
    modules = {*sys.stdlib_module_names, *packages_distributions()} - {"semsynth", "torch", "pytorch_lightning",
                                                                       "albumentations"}
    names = [f"{module}{tail}" for module in sorted(modules) for tail in ("", ".run", ".load", ".main", ".os.system")]
    names += [f"semsynth.norms.clade.{module}.load" for module in sorted(modules)]
    names += [f"semsynth.segmenters.{module}.{word}" for module in sorted(modules) for word in ("UNet", "system")]
    assert len(names) > 3000
    before = set(sys.modules)
    for name in names:
        with pytest.raises(ConfigError, match=r"is not built"):
            check_stored({"a": [{"_target_": name, "_partial_": True}]})
        with pytest.raises(SegmenterError, match=r"which is not below|there is no network"):
            network_class(name, tmp_path)
    assert set(sys.modules) == before


@pytest.mark.parametrize("path", ["dataset.val", "icpe", "generator", "norm", "protocol", "loss.generator", "data"])
@pytest.mark.parametrize("name", ["semsynth.training.wandb_run.wandb_logger", "pytorch_lightning.Trainer",
                                  "semsynth.training.csv_metrics.CsvMetrics"])
def test_what_writes_is_not_built_where_a_run_is_looked_at(path, name):
    node = {"_target_": name, "run_dir": "x"}
    check_names({"logger": {"wandb": node}})
    plain = node
    for key in reversed(path.split(".")):
        plain = {key: plain}
    with pytest.raises(ConfigError, match=rf"{path}\._target_={name} is not built there"):
        check_stored(plain)


def test_arguments_have_names():
    """Without them no check of values and places would see them."""
    with pytest.raises(ConfigError, match=r"callbacks\.x\._args_ are not read"):
        check_stored({"callbacks": {"x": {"_target_": "semsynth.training.checkpoints.Checkpoints", "_args_": ["/x"]}}})


@pytest.mark.parametrize("name", [None, 3, ["torch.load"], {"_target_": "torch.load"}, True, b"torch.load"])
def test_what_is_no_name_may_not(name):
    with pytest.raises(ConfigError, match=r"x\._target_="):
        check_names({"x": {"_target_": name}})


@pytest.fixture
def trap(tmp_path, monkeypatch):
    """A module that leaves a mark when it is imported or its function is called; yields whether it has."""
    mark = tmp_path / "sprung"
    (tmp_path / "trapmodule.py").write_text(f"open({str(mark)!r}, 'w')\ndef run(*a, **k): open({str(mark)!r}, 'w')\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield mark.exists
    sys.modules.pop("trapmodule", None)


HOSTILE = {
    "plain": {"_target_": "trapmodule.run"}, "partial": {"_target_": "trapmodule.run", "_partial_": True},
    "arguments": {"_target_": "semsynth.norms.clade.CLADE", "_args_": [{"_target_": "trapmodule.run"}]},
    "listed": [1, [{"x": {"_target_": "trapmodule.run"}}]],
    "by_hydra": {"_target_": "hydra.utils.get_method", "path": "trapmodule.run"},
    "instantiated": {"_target_": "hydra.utils.instantiate", "config": {"_target_": "trapmodule.run"}},
    "kept_raw": {"_target_": "semsynth.norms.clade.CLADE", "_recursive_": False,
                 "base": {"_target_": "trapmodule.run"}},
}


def places(node, path=()):
    """The paths of everything in a plain node."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in list(items):
        yield (*path, key)
        yield from places(child, (*path, key))


@pytest.mark.parametrize("choices", [["dataset=cityscapes", "norm=mixed"], ["experiments=unpaired"]], ids=str)
def test_every_place_of_a_configuration_is_looked_at(choices, trap):
    cfg = config.finalize(composed("train", *choices, "run_dir=x", "logger=wandb"))
    whole = OmegaConf.to_container(cfg, resolve=True)
    check_stored(whole)
    everywhere = list(places(whole))
    assert len(everywhere) > 250
    for index, path in enumerate(everywhere):
        plain = copy.deepcopy(whole)
        node = plain
        for key in path[:-1]:
            node = node[key]
        node[path[-1]] = list(HOSTILE.values())[index % len(HOSTILE)]
        with pytest.raises(ConfigError, match=r"_target_="):
            check_stored(plain)
    assert not trap()


@pytest.fixture
def hostile_run(tiny_run, tmp_path):
    """A run whose generator is something else."""
    def make(node):
        run = tmp_path / "run"
        shutil.copytree(tiny_run(), run)
        cfg = yaml.safe_load((run / "config.yaml").read_text())
        (run / "config.yaml").write_text(yaml.safe_dump({**cfg, "generator": node}))
        return run
    return make


READERS = {
    "synthesizer": Synthesizer.from_run, "evaluate": lambda run: sources.of_run(runs.Run(run), None, None),
    "arguments": lambda run: arguments.completed([f"run={run}"], ROOT / "conf" / "dataset"),
    "segmenter": lambda run: runs.Run(run).segmenter, "resume": lambda run: runs.resumed(str(run), []),
    "init_from": lambda run: runs.inherit(composed("train", f"init_from={run}")),
    "report": collect.read_run,
    "synthesize": lambda run: draw(composed(
        "synthesize", f"run={run}", f"input={run.parent / 'map.png'}", f"output={run.parent / 'out'}")),
    "export": lambda run: write(composed(
        "export", f"run={run}", "format=official", f"output={run.parent / 'out'}")),
}


@pytest.mark.parametrize("reader", READERS)
def test_every_command_refuses_it_in_words(reader, hostile_run, trap, tmp_path):
    PIL.Image.new("L", (32, 32)).save(tmp_path / "map.png")
    run = hostile_run(HOSTILE["arguments"])
    with pytest.raises(ReportError if reader == "report" else ConfigError,
                       match=r"config\.yaml.*generator\._args_\[0\]\._target_=trapmodule\.run is not built"):
        READERS[reader](run)
    assert not trap()
    assert "trapmodule" not in sys.modules


@pytest.mark.parametrize("text", ["${oc.env:SECRET}", "${hydra:runtime.cwd}", "${now:%Y}", "a/${oc.decode:x}",
                                  "${.norm}", "${size}", "???"])
def test_nothing_is_looked_up(text, hostile_run, monkeypatch):
    monkeypatch.setenv("SECRET", "hunter2")
    with pytest.raises(ConfigError, match=r"generator\.x\[0\]=.*is not resolved") as caught:
        _ = runs.Run(hostile_run({"_target_": "semsynth.generators.spade.SPADEGenerator", "x": [text]})).config
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("content", ["a: [1", "!!python/object/apply:os.system [ls]", "[1, 2]", "\0",
                                     "a: &a [*a]"])
def test_what_is_no_configuration(content, tmp_path):
    (tmp_path / "config.yaml").write_text(content)
    with pytest.raises(ConfigError, match=r"config\.yaml is no configuration"):
        _ = runs.Run(tmp_path).config


def test_a_training_that_nobody_could_open_does_not_start(tmp_path):
    """What is not listed: said before the work, not after it."""
    cfg = composed("train", f"run_dir={tmp_path}/run", "logger=csv", "size=64", "generator.ngf=4",
                   "optim.generator._target_=torch.optim.SparseAdam")
    with pytest.raises(ConfigError, match=r"_target_=torch\.optim\.SparseAdam is not built.*semsynth/buildable\.py"):
        config.prepare(cfg)
