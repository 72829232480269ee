"""onnxruntime-web, which runs ONNX files in browsers: the files of its npm package that a site needs."""

from __future__ import annotations

import json
import shutil
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

from semsynth.errors import ConfigError
from semsynth.pretrained.download import cached
from semsynth.pretrained.files import PretrainedFile
from semsynth.pretrained.folder import VARIABLE, MissingWeights, find, obtain

PACKAGE, VERSION = "onnxruntime-web", "1.30.0"
ARCHIVE = PretrainedFile(
    f"{PACKAGE}-{VERSION}.tgz", f"https://registry.npmjs.org/{PACKAGE}/-/{PACKAGE}-{VERSION}.tgz",
    "d2228df7e4616bc3348bf504ee888f3bec43789a273f0a63f3e68d203ce3bf71", megabytes=32, fetched=True)
PATIENCE = 300  # seconds for npm
LICENSE = Path(__file__).with_name("onnxruntime-web.LICENSE")  # the package names it, and does not hold its text


@dataclass(frozen=True)
class Runtime:
    """What runs networks in one way: names in the package's folder `dist`."""

    script: str
    loader: str
    binary: str

    @property
    def files(self) -> tuple[str, str, str]:
        """All of them."""
        return self.script, self.loader, self.binary


RUNTIMES = {
    "wasm": Runtime("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm"),
    "webgpu": Runtime("ort.jspi.min.mjs", "ort-wasm-simd-threaded.jspi.mjs", "ort-wasm-simd-threaded.jspi.wasm"),
}


def write_runtime(folder: Path, names: list[str], given: Path | None = None) -> str:
    """Write the files of some ``RUNTIMES``, as they were published, with their licence; return what they are.

    Args:
        folder: Is made.
        names: Keys of ``RUNTIMES``.
        given: The npm package that is taken, as an archive (.tgz) or unpacked; None: the one that this version was
            tested with, from the folder of weights, torch's cache, npm or its registry.

    Raises:
        ConfigError: the package cannot be had, or is another one; names the ways out.
    """
    if given is not None and not given.exists():
        raise ConfigError(f"runtime={given}: there is no such file or folder")
    source = given or archive()
    if source.is_dir():
        return _copy(source, folder, names)
    with tempfile.TemporaryDirectory() as scratch:
        wanted = {"package/package.json", *(f"package/dist/{file}" for name in names for file in RUNTIMES[name].files)}
        try:
            with tarfile.open(source) as packed:
                packed.extractall(scratch, [member for member in packed if member.name in wanted], filter="data")
        except (tarfile.TarError, OSError, EOFError) as error:
            raise ConfigError(f"{source} is no npm package: {error}") from error
        return _copy(Path(scratch) / "package", folder, names, source)


def _copy(package: Path, folder: Path, names: list[str], source: Path | None = None) -> str:
    about = package / "package.json"
    files = [package / "dist" / file for name in names for file in RUNTIMES[name].files]
    missing = [path.name for path in (about, *files) if not path.is_file()]
    if missing:
        raise ConfigError(f"runtime={source or package} is no {PACKAGE} {VERSION}: it lacks {', '.join(missing)}. "
                          f"`npm pack {PACKAGE}@{VERSION}` makes the file that is meant")
    folder.mkdir(parents=True)
    for path in (about, *files):
        shutil.copyfile(path, folder / path.name)
    shutil.copyfile(LICENSE, folder / "LICENSE")
    said = json.loads(about.read_text())
    return f"{said.get('name')} {said.get('version')} ({' and '.join(names)}), licence {said.get('license')}"


def archive() -> Path:
    """The package as it was published, checked; fetched where it is not there.

    Raises:
        ConfigError: it cannot be had; names the ways out.
    """
    faults = []
    if find(ARCHIVE) is None:
        faults.append(_packed_by_npm())
    try:
        return obtain(ARCHIVE)
    except MissingWeights as error:
        faults.append(str(error))
    raise ConfigError(
        f"format=web needs {PACKAGE} {VERSION}, which runs networks in browsers ({ARCHIVE.megabytes} MB, fetched once) "
        f"and cannot get it: {'; '.join(fault for fault in faults if fault)}. Where there is a network, "
        f"`npm pack {PACKAGE}@{VERSION}` or {ARCHIVE.url} gives the file: name it here by runtime=FILE, or put it into "
        f"the folder of weights (${VARIABLE})")


def _packed_by_npm() -> str:
    """Let npm fetch the package into torch's cache, from where its configuration says; returns why not."""
    npm = shutil.which("npm")
    if npm is None:
        return "npm is not installed"
    place = cached(ARCHIVE.url)
    with tempfile.TemporaryDirectory() as scratch:  # where no package.json of others lies
        try:
            done = subprocess.run([npm, "pack", "--ignore-scripts", f"{PACKAGE}@{VERSION}"], cwd=scratch,
                                  capture_output=True, text=True, timeout=PATIENCE)
            if done.returncode:
                said = [line for line in done.stderr.splitlines() if line.strip()]
                return f"npm fails ({said[0].strip() if said else done.returncode})"
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(Path(scratch) / ARCHIVE.name, place)
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"npm fails ({error})"
    return ""
