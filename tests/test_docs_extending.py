"""docs/extending.md as a stranger follows it: its files in a copy of the project, then every command."""

import json
import re
import shutil

import numpy as np
import pytest
from commands import ROOT, composed
from PIL import Image
from processes import Process

TEXT = (ROOT / "docs" / "extending.md").read_text()
FEW = ["dataset.train_length=4", "dataset.val_length=2"]  # scenes
DRIVER = '''
import json
import sys
from importlib import import_module
import torch
from commands import composed
from hydra.core.global_hydra import GlobalHydra
from semsynth import Synthesizer, config, runs
from semsynth.evaluation.sampler import Sampler
from semsynth.interfaces import Generator
from semsynth.training import launch

run_dir, commands, words = sys.argv[1], sys.argv[2], sys.argv[3:]
small = ["size=32", "generator.ngf=4"] if "generator=pixelwise" not in words else ["size=32", "generator.width=4"]
cfg = config.prepare(composed("train", *small, "discriminator.ndf=4", "encoder=none", "batch=2", "data.num_workers=0",
                              "logger=csv", "trainer=smoke", "trainer.accelerator=cpu", f"run_dir={run_dir}", *words))
runs.save_config(cfg)
trainer, system, data = runs.build(cfg)
before = [p.detach().clone() for p in system.generator.parameters()]
launch.fit(trainer, system, data, None)
changed = [not torch.equal(a, b) for a, b in zip(before, system.generator.parameters(), strict=True)]
print("trained", trainer.global_step, sum(changed) > len(changed) / 2, isinstance(system.generator, Generator))
print(*sorted(name for name in trainer.callback_metrics if name.endswith(("penalty", "mirror"))))
run = runs.Run(run_dir)
batch = next(iter(data.val_dataloader()))
drawn = Sampler(run.generator, run.encoder, num_classes=cfg.dataset.num_classes).draw(batch, torch.arange(2))
print("evaluated", tuple(drawn.shape), bool(drawn.isfinite().all()))
synthesizer = Synthesizer.from_run(run_dir)
first, again, other = (synthesizer(torch.zeros(1, 32, 32, dtype=torch.int64), seed=seed) for seed in (0, 0, 1))
print("drawn", torch.equal(first, again), torch.equal(first, other))
for told in json.loads(commands):  # here, which saves them the imports
    GlobalHydra.instance().clear()
    try:
        import_module(f"semsynth.commands.{told[0]}").main(told[1:])
    except SystemExit as end:
        print(f"{told[0]} ended with {end.code}")
'''


def write(folder):
    """The files of the page, as they stand there."""
    blocks = re.findall(r"```(?:python|yaml)\n# (src/\S+|conf/\S+)\n(.*?)```", TEXT, re.DOTALL)
    assert len(blocks) == 14
    for path, content in blocks:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        assert not (folder / path).exists()
        (folder / path).write_text(content)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("extended") / "project"
    for name in ("src", "conf", "tools", "experiments"):
        shutil.copytree(ROOT / name, folder / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("train.py", "evaluate.py", "synthesize.py", "pyproject.toml"):
        shutil.copy(ROOT / name, folder / name)
    (folder / "tests").mkdir()
    shutil.copy(ROOT / "tests" / "commands.py", folder / "tests")
    write(folder)
    (folder / "driver.py").write_text(DRIVER)
    return folder


def run(project, *words):
    environment = {"PYTHONPATH": f"{project / 'src'}:{project / 'tests'}", "OMP_NUM_THREADS": "1",
                   "NO_ALBUMENTATIONS_UPDATE": "1", "PATH": "/usr/bin:/bin", "HOME": str(project)}
    process = Process(["driver.py", *words], project, environment)
    out = process.stdout.read()
    assert process.wait() == 0, out
    return out


def test_a_data_set_has_a_recipe_and_a_scoring_of_its_name(tmp_path):
    write(tmp_path)
    cfg = composed("train", "dataset=gardens", f"hydra.searchpath=[file://{tmp_path}/conf]")
    assert (cfg.recipe.batch, cfg.epochs, cfg.recipe.name, cfg.protocol.name) == (4, 200, "gardens", "photographs")
    assert "segmenter" not in cfg or cfg.segmenter is None


@pytest.mark.slow
@pytest.mark.parametrize(("words", "styles", "refused"), [
    (["norm=class_style"], True, {"official": "no released layout holds this generator",
                                  "onnx": "reads a style by classes; programs take one style vector"}),
    (["generator=pixelwise"], False, {"official": "no released layout holds this generator"}),
    (["loss=gradient_penalty"], False, {}),
], ids=["norm", "generator", "loss"])
def test_a_recipe_trains_evaluates_draws_and_is_counted(project, tmp_path, words, styles, refused):
    width = "generator.width=4" if words == ["generator=pixelwise"] else "generator.ngf=4"
    commands = [["complexity", *words, width, "size=32", "encoder=none", "device=cpu", "memory=false", "repeats=1",
                 f"run_dir={tmp_path}/costs"],
                *(["export", f"run={tmp_path}/run", f"format={f}", f"output={tmp_path}/{f}"] for f in refused)]
    said = run(project, f"{tmp_path}/run", json.dumps(commands), *FEW, *words)
    out = said.splitlines()
    assert "trained 4 True True" in out
    assert ("loss/discriminator/penalty" in out) == (words == ["loss=gradient_penalty"])
    assert "evaluated (2, 3, 32, 32) True" in out
    assert f"drawn True {not styles}" in out
    assert out.count("export ended with 2") == len(refused)
    assert "complexity ended" not in said
    assert "Traceback" not in said
    assert all(why in said for why in refused.values())
    layers = json.loads((tmp_path / "costs" / "complexity.json").read_text())["layers"]
    assert sum(layer["macs"] for layer in layers) > 0
    norms = [layer for layer in layers if ".norm_" in layer["name"]]
    if words == ["norm=class_style"]:  # linear layers: two of 8 codes to C channels for each of 12 classes
        assert norms[0]["macs"] >= 12 * 2 * 8 * norms[0]["parameters"] / (2 * 9)
    assert bool(norms) == (words != ["generator=pixelwise"])


@pytest.mark.slow
def test_a_system_trains_on_a_data_set(project, tmp_path):
    """Both at once: neither knows of the other."""
    for split, count in (("train", 4), ("val", 2)):
        (tmp_path / split).mkdir()
        for number in range(count):
            path = tmp_path / split / f"{number}.jpg"
            Image.new("RGB", (48, 40), (60 * number, 90, 30)).save(path)
            Image.fromarray(np.full((40, 48), number, np.uint8)).save(path.with_suffix(".png"))
    root = f"dataset.root={tmp_path}"
    words = ["system=mirrored", "loss=mirrored", "dataset=gardens", root]
    commands = [["check_data", "dataset=gardens", root]]
    said = run(project, f"{tmp_path}/run", json.dumps(commands), *words)
    out = said.splitlines()
    assert "trained 4 True True" in out
    assert "loss/generator/mirror" in out
    assert "evaluated (2, 3, 32, 32) True" in out
    assert "drawn True True" in out
    report = said.partition("drawn True True")[2]
    assert all(name in report for name in ("grass", "path", "shrub", "unlabelled"))
    assert "check_data ended with 0" in report
