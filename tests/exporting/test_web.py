"""The folder of format=web; what it draws is asked in tests/browser."""

import hashlib
import json
import re

import numpy as np
import pytest
from commands import composed
from hydra.core.override_parser.overrides_parser import OverridesParser

from semsynth import runs
from semsynth.commands.export import write
from semsynth.errors import ConfigError
from semsynth.exporting.export import export
from semsynth.exporting.runtime import RUNTIMES
from semsynth.exporting.source import Source
from semsynth.exporting.web import PAGE, Site

pytest.importorskip("onnx")


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """A stand-in for onnxruntime-web."""
    folder = tmp_path_factory.mktemp("package")
    (folder / "dist").mkdir()
    (folder / "package.json").write_text('{"name": "onnxruntime-web", "version": "0", "license": "MIT"}')
    for kind in RUNTIMES.values():
        for file in kind.files:
            (folder / "dist" / file).write_text(file)
    return folder


class Maps:
    """Two maps to begin with."""

    def __len__(self):
        return 2

    def map(self, index):
        return f"map {index}", np.full((32, 32), index, np.uint8)

    def photograph(self, index):
        return b"a picture"


@pytest.fixture(scope="module")
def exported(tiny_run, tmp_path_factory, package):
    """A site, the run that it was made of, and what was said of it."""
    run = tiny_run(z_dim=3, norm="clade_icpe", edges=True, unknown=4)
    run = run.rename(run.with_name("it's lr=2, (1)"))
    kept = runs.Run(run)
    source = Source(run, kept.plain, kept.saved, kept.weights, kept.generator, kept.encoder)
    folder = tmp_path_factory.mktemp("sites") / "site"
    return folder, run, export(source, "web", folder, site=Site(package, webgpu=True, starts=Maps()))


def test_the_folder_is_complete(exported):
    folder, _, lines = exported
    held = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    page = {str(path.relative_to(PAGE)) for path in PAGE.rglob("*") if path.is_file()}
    assert page - held == {"engine_server.js"}
    assert held - page == {
        "model/about.json", "model/generator.onnx", "model/encoder.onnx", "runtime/LICENSE", "runtime/package.json",
        *(f"model/start_{i}.{kind}" for i in range(2) for kind in ("bin", "png")),
        *(f"runtime/{file}" for kind in RUNTIMES.values() for file in kind.files)}
    assert lines[-1].endswith("MB in all; python -m http.server -d FOLDER serves it")


def test_every_file_that_the_page_imports_is_there(exported):
    folder, _, _ = exported
    for path in folder.rglob("*.js"):
        for name in re.findall(r'from "(\.[^"]+)"', path.read_text()):
            assert (path.parent / name).is_file(), f"{path} imports {name}"


def test_it_says_what_the_networks_take(exported):
    folder, run, _ = exported
    about = json.loads((folder / "model" / "about.json").read_text())
    kept = runs.Run(run)
    assert (about["height"], about["width"], about["z_dim"], about["edges"]) == (32, 32, 3, True)
    assert about["icpe"] == {"components": "every", "skip_label": None, "published": False}
    assert about["classes"][3] == {"name": "grass", "colour": [120, 0, 255], "id": 3}
    assert (about["unknown"], about["blank"]) == (4, 4)
    assert about["masks"] == kept.plain["dataset"].get("masks")
    assert (about["checkpoint_file"], about["weights"]) == (kept.saved.path.name, kept.weights)
    assert about["name"] == run.name
    assert OverridesParser.create().parse_override(f"run={about['run']}").value() == run.name  # in commands
    assert about["checkpoint"] == hashlib.sha256(kept.saved.path.read_bytes()).hexdigest()
    for said in about["networks"].values():
        assert said["bytes"] == (folder / "model" / said["file"]).stat().st_size
    assert list(about["networks"]) == ["generator", "encoder"]
    assert about["starts"][1] == {"name": "map 1", "labels": "start_1.bin", "photo": "start_1.png"}
    assert (folder / "model" / "start_1.bin").read_bytes() == bytes([1]) * 1024


def test_nothing_is_asked_of_others(exported):
    """The page's policy lets it talk to its own host alone."""
    folder, _, _ = exported
    text = (folder / "index.html").read_text()
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]+)"', text)
    assert policy.startswith("default-src 'none'")
    assert "connect-src 'self'" in policy
    assert not re.search(r"https?:|\*|'unsafe-(inline|eval)'", policy)


def test_the_command(tiny_run, tmp_path, package, capsys):
    run = tiny_run()
    write(composed("export", f"run={run}", "format=web", f"output={tmp_path / 'site'}", f"runtime={package}",
                   "stored=float32"))
    said = json.loads((tmp_path / "site" / "model" / "about.json").read_text())
    assert list(said["runtimes"]) == ["wasm"]
    assert said["starts"] == []  # of the embedded scenes alone
    assert "runtime/: onnxruntime-web 0 (wasm), licence MIT" in capsys.readouterr().out


def test_what_no_program_holds_is_refused_before_anything_is_fetched(tiny_run, tmp_path):
    run = tiny_run()
    kept = runs.Run(run)
    source = Source(run, {**kept.plain, "dataset": {**kept.plain["dataset"], "classes": ["a"] * 300, "colours":
                    [[0, 0, 0]] * 300}}, kept.saved, kept.weights, kept.generator, kept.encoder)
    with pytest.raises(ConfigError, match="paints up to 256 classes, this run has 300"):
        export(source, "web", tmp_path / "site")
    assert not list(tmp_path.iterdir())
