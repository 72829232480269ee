"""The files of onnxruntime-web: given, found, fetched by npm, or told how to be had."""

import io
import json
import tarfile
from dataclasses import replace

import pytest

from semsynth.errors import ConfigError
from semsynth.exporting import runtime
from semsynth.exporting.runtime import RUNTIMES, VERSION, write_runtime
from semsynth.weights.tensor_files import sha256_of

ALL = {file: f"content of {file}" for kind in RUNTIMES.values() for file in kind.files}
ABOUT = json.dumps({"name": "onnxruntime-web", "version": VERSION, "license": "MIT"})


@pytest.fixture
def unpacked(tmp_path):
    folder = tmp_path / "node_modules" / "onnxruntime-web"
    (folder / "dist").mkdir(parents=True)
    (folder / "package.json").write_text(ABOUT)
    for name, content in ALL.items():
        (folder / "dist" / name).write_text(content)
    return folder


@pytest.fixture
def packed(tmp_path):
    path = tmp_path / f"onnxruntime-web-{VERSION}.tgz"
    with tarfile.open(path, "w:gz") as archive:
        files = {f"dist/{name}": content for name, content in ALL.items()}
        for name, content in {"package.json": ABOUT, "../escaped": "", **files}.items():
            about = tarfile.TarInfo(f"package/{name}")
            about.size = len(content)
            archive.addfile(about, io.BytesIO(content.encode()))
    return path


@pytest.fixture
def published(packed, monkeypatch):
    """As if this package were the published one."""
    monkeypatch.setattr(runtime, "ARCHIVE", replace(runtime.ARCHIVE, digest=sha256_of(packed)))
    return packed


@pytest.mark.parametrize("kind", ["packed", "unpacked"])
@pytest.mark.parametrize("names", [["wasm"], ["wasm", "webgpu"]])
def test_the_wanted_files_with_their_licence(kind, names, request, tmp_path):
    line = write_runtime(tmp_path / "made", names, request.getfixturevalue(kind))
    wanted = {file for name in names for file in RUNTIMES[name].files}
    assert {path.name for path in (tmp_path / "made").iterdir()} == wanted | {"LICENSE", "package.json"}
    assert all((tmp_path / "made" / name).read_text() == ALL[name] for name in wanted)
    assert "Microsoft" in (tmp_path / "made" / "LICENSE").read_text()
    assert line == f"onnxruntime-web {VERSION} ({' and '.join(names)}), licence MIT"


def test_what_is_given_and_is_another_thing_is_told(unpacked, tmp_path):
    (unpacked / "dist" / RUNTIMES["wasm"].binary).unlink()
    with pytest.raises(ConfigError, match=r"it lacks ort-wasm-simd-threaded\.wasm\. `npm pack onnxruntime-web@"):
        write_runtime(tmp_path / "made", ["wasm"], unpacked)
    (tmp_path / "no.tgz").write_text("text")
    with pytest.raises(ConfigError, match=r"no\.tgz is no npm package"):
        write_runtime(tmp_path / "made", ["wasm"], tmp_path / "no.tgz")
    with pytest.raises(ConfigError, match="runtime=.*no such file"):
        write_runtime(tmp_path / "made", ["wasm"], tmp_path / "nowhere")
    assert not (tmp_path / "made").exists()


def test_it_is_found_in_the_folder_of_weights_and_checked(published, tmp_path, monkeypatch):
    monkeypatch.setenv("SEMSYNTH_WEIGHTS", str(published.parent))
    assert runtime.archive() == published
    published.write_bytes(published.read_bytes() + b"more")
    with pytest.raises(ConfigError, match="damaged or another file"):
        runtime.archive()


def test_npm_fetches_it_into_the_cache(published, tmp_path, monkeypatch):
    (tmp_path / "bin").mkdir()
    npm = tmp_path / "bin" / "npm"
    npm.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/asked\ncp {published} .\n')
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("SEMSYNTH_WEIGHTS", str(tmp_path / "none"))
    path = runtime.archive()
    assert path.is_relative_to(tmp_path / "cache")
    assert path.read_bytes() == published.read_bytes()
    assert (tmp_path / "asked").read_text() == f"pack --ignore-scripts onnxruntime-web@{VERSION}\n"
    npm.write_text("#!/bin/sh\nexit 1\n")
    assert runtime.archive() == path  # is there


def test_without_a_network_the_ways_out_are_named(tmp_path, monkeypatch):
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\necho 'npm error code ENOTFOUND' >&2\nexit 1\n")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(ConfigError, match=r"npm fails \(npm error code ENOTFOUND\).*no network in tests.*"
                                          r"`npm pack onnxruntime-web@.*runtime=FILE.*\$SEMSYNTH_WEIGHTS"):
        runtime.archive()
    monkeypatch.setenv("PATH", str(tmp_path / "none"))
    with pytest.raises(ConfigError, match="npm is not installed"):
        runtime.archive()
