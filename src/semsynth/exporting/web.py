"""The painting page with a run's networks in it: a folder that any static host serves."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from semsynth.errors import ConfigError
from semsynth.exporting.program import style_length
from semsynth.exporting.programs import write_programs
from semsynth.exporting.runtime import RUNTIMES, write_runtime
from semsynth.exporting.source import Source
from semsynth.spelling import literal
from semsynth.weights.files import write_bytes, write_text
from semsynth.weights.tensor_files import sha256_of

PAGE = Path(__file__).parents[1] / "demo" / "page"
ENGINE = 'export { openEngine } from "./engine_onnx.js";\n'
SERVED_ONLY = ("engine.js", "engine_server.js")
POLICY = ("default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; style-src 'self'; "
          "img-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'")
MOST_CLASSES = 256  # labels are bytes in the page


class Maps(Protocol):
    """Label maps to begin with, see `semsynth.demo.starts`."""

    def __len__(self) -> int: ...

    def map(self, index: int) -> tuple[str, np.ndarray]:
        """Its name, and its labels (H,W) uint8."""

    def photograph(self, index: int) -> bytes:
        """Its photograph, as a PNG file."""


@dataclass(frozen=True)
class Site:
    """What a site holds besides the networks.

    Args:
        runtime: See `runtime.write_runtime`.
        webgpu: Whether browsers with WebGPU take it, for which a second runtime lies beside the first.
        starts: Label maps of the size that is painted, to begin with; they are published with the site.
    """

    runtime: Path | None = None
    webgpu: bool = False
    starts: Maps | None = None


def write_site(source: Source, folder: Path, site: Site, size: tuple[int, int], *, tolerance: float,
               stored: str | None) -> list[str]:
    """Write the page, the networks and the runtime into a folder; return what they are, a line each.

    Args:
        source: The run.
        folder: Exists, empty.
        site: What else.
        size: (H, W) of what is painted.
        tolerance: See `export.export`.
        stored: See `programs.write_programs`.

    Raises:
        ConfigError: networks that the page cannot draw with, or no runtime.
    """
    count = len(source.condition.classes)
    if count > MOST_CLASSES:
        raise ConfigError(f"format=web: the page paints up to {MOST_CLASSES} classes, this run has {count}")
    style_length(source.generator)  # refuses what no program holds before 30 MB are fetched
    names = [name for name in RUNTIMES if site.webgpu or name != "webgpu"]
    runtime = write_runtime(folder / "runtime", names, site.runtime)
    (folder / "model").mkdir()
    lines = write_programs(source, "onnx", folder / "model", size, tolerance=tolerance, labels="int32", stored=stored)
    about = {**_about(source, size, folder), "starts": _write_starts(site.starts, folder / "model"),
             "runtimes": {name: _runtime(folder, name) for name in names}}
    write_text(folder / "model" / "about.json", json.dumps(about, indent=1))
    _write_page(folder)
    every = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return [*(f"model/{line}" for line in lines), f"runtime/: {runtime}",
            f"{every / 1e6:.1f} MB in all; python -m http.server -d FOLDER serves it"]


def _about(source: Source, size: tuple[int, int], folder: Path) -> dict[str, Any]:
    """What the page must know of the networks, as `engine_onnx.js` reads it; names in commands as Hydra reads them."""
    condition = source.condition
    icpe, ids = condition.icpe, source.config["dataset"].get("ids") or range(len(condition.classes))
    networks = {path.stem: {"file": path.name, "bytes": path.stat().st_size}
                for path in sorted((folder / "model").glob("*.onnx"), reverse=True)}
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sorted((folder / "model").glob("*.onnx"))))
    return {
        "name": source.run.resolve().name, "run": literal(source.run.resolve().name), "key": digest.hexdigest()[:16],
        "checkpoint": sha256_of(source.saved.path), "checkpoint_file": literal(source.saved.path.name),
        "weights": source.weights, "height": size[0], "width": size[1],
        "encoder_size": list(condition.size), "z_dim": style_length(source.generator), "edges": condition.edges,
        "icpe": None if icpe is None else {"components": icpe.components, "skip_label": icpe.skip_label,
                                           "published": icpe.published},
        "classes": [{"name": name, "colour": list(colour), "id": value}
                    for name, colour, value in zip(condition.classes, condition.colours, ids, strict=True)],
        "unknown": condition.unknown, "blank": condition.unknown or 0,
        "masks": source.config["dataset"].get("masks"), "networks": networks,
    }


def _runtime(folder: Path, name: str) -> dict[str, Any]:
    runtime = RUNTIMES[name]
    return {"script": runtime.script, "loader": runtime.loader, "binary": runtime.binary,
            "bytes": (folder / "runtime" / runtime.binary).stat().st_size}


def _write_starts(starts: Maps | None, folder: Path) -> list[dict[str, str]]:
    """The labels of each as bytes, and its photograph."""
    said = []
    for index in range(len(starts) if starts is not None else 0):
        assert starts is not None
        name, labels = starts.map(index)
        write_bytes(folder / f"start_{index}.bin", labels.astype(np.uint8).tobytes())
        write_bytes(folder / f"start_{index}.png", starts.photograph(index))
        said.append({"name": name, "labels": f"start_{index}.bin", "photo": f"start_{index}.png"})
    return said


def _write_page(folder: Path) -> None:
    """The page's files, with the engine that draws within the browser and a policy that lets nothing out."""
    for path in sorted(PAGE.rglob("*")):
        place = folder / path.relative_to(PAGE)
        if path.is_file() and path.name not in SERVED_ONLY:
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, place)
    write_text(folder / "engine.js", ENGINE)
    index = (folder / "index.html").read_text()
    meta = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    write_text(folder / "index.html", re.sub(r'(<meta charset="utf-8">)', rf"\1\n  {meta}", index, count=1))
