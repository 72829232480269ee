"""Which published files a configuration needs: for its loss, for the features it is scored in, and for its judge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from semsynth.backbones import efficientnet_lite0
from semsynth.backbones.package import WAY_OUT, WEIGHTS, weights_file
from semsynth.errors import BackboneError
from semsynth.pretrained.files import DINOV2, INCEPTION, JUDGES, LPIPS, VGG19, PretrainedFile
from semsynth.pretrained.folder import find

LITE = WEIGHTS.rpartition("/")[2]
WITHOUT_VGG = "a loss whose name ends with _no_vgg"
NO_INCEPTION = "no fid/..., kid/...; photographs are compared in the features of EfficientNet-Lite0"
NO_LITE = "no frechet/efficientnet_lite0_imagenet, kid, precision, recall, density, coverage in its features"
NO_DINOV2 = "no frechet/dinov2_vitl14; nothing else misses it"
NO_LPIPS = "no diversity/lpips"


@dataclass(frozen=True)
class Need:
    """A file that a configuration needs.

    Args:
        name: In the folder of weights, or in the package that brings it.
        use: What it is for.
        without: What goes without it.
        source: Where it comes from.
        digest: Beginning of its SHA-256, as published; empty where nobody tells.
        megabytes: About so many (2^20 bytes).
        path: Where it lies; None: it is missing.
    """

    name: str
    use: str
    without: str
    source: str
    digest: str = ""
    megabytes: int = 0
    path: Path | None = None


def needs_of(cfg: Mapping[str, Any], without_vgg: str = WITHOUT_VGG) -> list[Need]:
    """What a composed configuration needs, in plain values: its `loss`, `protocol`, `segmenter` and `dataset.features`.

    A path that is given by its own key takes the place of the folder's file.

    Args:
        cfg: The configuration.
        without_vgg: Which loss trains without VGG-19, in words.
    """
    features = cfg["dataset"]["features"]
    found = [need for name, term in cfg["loss"]["generator"].items() for need in _of_term(name, term, without_vgg)]
    if "inception" in features:
        found.append(_published(INCEPTION, "FID and KID", NO_INCEPTION))
    if efficientnet_lite0.NAME in features and LITE not in {need.name for need in found}:
        found.append(_lite("features where Inception's weights are missing"))
    judge = cfg.get("segmenter") or {}
    found += _of_judge(judge.get("name"), judge.get("weights"))
    if cfg["protocol"]["diversity_maps"]:
        found.append(_published(LPIPS[cfg["protocol"]["lpips_network"]], "LPIPS of samples (evaluate.py)", NO_LPIPS))
    if "dinov2" in features:
        found.append(_published(DINOV2, "distances in DINOv2's features", NO_DINOV2))
    return found


def all_needs() -> list[Need]:
    """Every published file that anything here can use."""
    found = [_published(VGG19, "perceptual losses", _no_vgg(WITHOUT_VGG)),
             _published(INCEPTION, "FID, KID", NO_INCEPTION), _lite("perceptual loss, features and CamVid's judge")]
    for name in JUDGES:
        found += _of_judge(name, None)
    found += [_published(file, f"LPIPS (protocol.lpips_network={name})", NO_LPIPS) for name, file in LPIPS.items()]
    return [*found, _published(DINOV2, "distances in DINOv2's features", NO_DINOV2)]


def _no_vgg(without: str) -> str:
    return f"training is refused; without it trains {without}"


def _of_term(name: str, term: Any, without_vgg: str) -> list[Need]:
    """What a term of the loss needs."""
    kind = str(term.get("_target_")).rpartition(".")[2] if isinstance(term, Mapping) else ""
    if kind in ("Perceptual", "PerceptualRegression", "DiversePerceptualRegression"):
        path = None if term["weights"] == "imagenet" else term["weights"]
        return [_published(VGG19, f"{name} loss", _no_vgg(without_vgg), path)]
    return [_lite(f"{name} loss, and features")] if kind == "EfficientNetPerceptual" else []


def _of_judge(name: str | None, path: str | None) -> list[Need]:
    """What a published judge needs; nothing for one that comes with this package, or none."""
    files = JUDGES.get(name or "", ())
    without = f"no miou, accuracy, frechet/{name}, diversity/{name}"
    if path is not None and files:
        return [_published(files[0], f"judge (segmenter={name})", without, path)]
    return [_published(file, f"judge (segmenter={name})", without) for file in files]


def _published(file: PretrainedFile, use: str, without: str, given: str | None = None) -> Need:
    """A published file, or the path that is given in its place."""
    if given is not None:
        path = Path(given).expanduser()
        return Need(str(path), use, without, f"given by its key, for {file.name}", path=path if path.exists() else None)
    return Need(file.name, use, without, file.url, file.digest, file.megabytes, find(file))


def _lite(use: str) -> Need:
    try:
        path = weights_file()
    except BackboneError:
        path = None
    return Need(LITE, use, NO_LITE, f"a package: {WAY_OUT}", efficientnet_lite0.SHA256, 18,
                path)
