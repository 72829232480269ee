"""What an evaluation leaves: scores.json with plots beside it, and a printed table."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypedDict

from rich.console import Console
from rich.table import Table
from rich.text import Text

import semsynth
from semsynth.digits import rounded
from semsynth.errors import EvaluationError
from semsynth.evaluation.evaluator import NEIGHBOURS
from semsynth.evaluation.plots import PerClass, plot_confusion, plot_iou
from semsynth.evaluation.scores import Scores
from semsynth.evaluation.segmenter_scores import Answers
from semsynth.metrics.features import InceptionFeatures
from semsynth.metrics.pixel_features import PixelDistance, PixelFeatures
from semsynth.weights.files import write_text

FORMAT = 1
IOU_PLOT, CONFUSION_PLOT = (Path("plots") / name for name in ("iou_by_frequency.png", "segmenter_confusion.png"))
NAMED = 5  # rare classes that the table names
MEANS = {"all": "mean over all classes, absent ones as 0", "present": "mean over the classes in the labels",
         "nan_mean": "mean over the classes in labels or predictions"}  # of `confusion.mean_iou`
PERCENT = ("miou", "accuracy", "miou_rare")  # last words of keys whose scores are shares of 1


class Facts(TypedDict, total=False):
    """What was scored: a `run`, or a folder of `images`, on the label maps of a `dataset`."""

    run: str
    images: str
    dataset: str


class Document(Facts, total=False):
    """The content of scores.json, see `Scores`."""

    format: int
    scores: dict[str, float]
    per_class: PerClass
    style_regressor_r2: dict[str, float]
    segmenter: Answers | None
    skipped: dict[str, str]
    protocol: Mapping[str, Any]
    code: dict[str, str | None]
    seconds: float


def document(found: Scores, *, source: Facts, protocol: Mapping[str, object], seconds: float) -> Document:
    """The content of scores.json.

    Args:
        found: The scores.
        source: What was scored.
        protocol: Everything that moves the scores, in plain values.
        seconds: That it took.
    """
    return {
        "format": FORMAT, **source, "scores": found.scores,
        "per_class": {"iou": found.iou, "frequency": found.frequency},
        "style_regressor_r2": found.regressor_r2,
        "segmenter": None if found.segmenter is None else found.segmenter.as_dict(),
        "skipped": found.skipped, "protocol": dict(protocol), "code": code_version(),
        "seconds": round(seconds, 1),
    }


def is_share(key: str) -> bool:
    """Whether a score is a share of 1, shown in percent."""
    return key.rpartition("/")[2] in PERCENT


def code_version() -> dict[str, str | None]:
    """Version of the package, and the commit where it runs from a repository."""
    here = Path(__file__).parent
    try:
        told = subprocess.run(["git", "-C", str(here), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"],
                              capture_output=True, text=True, timeout=10)
        inside = subprocess.run(["git", "-C", str(here), "ls-files", "--error-unmatch", __file__],
                                capture_output=True, timeout=10)
        commit = told.stdout.strip() if told.returncode == 0 and inside.returncode == 0 else None
    except (OSError, subprocess.TimeoutExpired):
        commit = None
    return {"version": semsynth.__version__, "commit": commit}


def keep(content: Document, place: str | Path) -> None:
    """Write the scores to a file, print them, and say where they are.

    Raises:
        EvaluationError: the place cannot be written; names it.
    """
    path = Path(place).expanduser()
    write_scores(path, content)
    print_scores(content, Console())
    print(f"scores: {path}")


def write_scores(path: Path, content: Document) -> None:
    """Write scores.json and its plots beside it, each complete or not at all.

    Raises:
        EvaluationError: the place cannot be written; names it.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if content["per_class"]["iou"]:
            plot_iou(path.parent / IOU_PLOT, content["per_class"])
        if content["segmenter"] and content["segmenter"]["classes"]:
            plot_confusion(path.parent / CONFUSION_PLOT, content["segmenter"])
        write_text(path, json.dumps(content, indent=2, allow_nan=False) + "\n")
    except OSError as error:
        raise EvaluationError(f"{path}: cannot be written ({error.strerror}): give output=FILE.json") from error


def print_scores(content: Document, console: Console) -> None:
    """Print the scores, the protocol in short, the classes, and what is missing."""
    protocol = content["protocol"]
    style = f", style {protocol['style']}" if protocol.get("style") else ""
    style += _checkpoint(protocol)
    title = (f"{content.get('run') or content.get('images')} ({content['dataset']}; protocol {protocol['name']}, "
             f"{protocol['generated']} images of {'x'.join(map(str, protocol['size']))}{style})")
    console.print(title, markup=False, highlight=False, soft_wrap=True)
    table = Table("score", "value", "how", box=None)
    table.columns[0].no_wrap = True  # where the window is narrow, the last column gives way
    table.columns[1].justify = "right"
    for key, value in content["scores"].items():
        shown = f"{100 * value:.2f} %" if is_share(key) else rounded(value, 4)
        table.add_row(key, shown, Text(_how(key, protocol)))  # class names are no markup
    console.print(table)
    own = content["segmenter"]
    if content["per_class"]["iou"]:
        of_own = own["iou"] if own else {}
        classes = Table("class", "IoU", "share of pixels", *(["IoU of the run's segmenter"] if of_own else []),
                        box=None)
        for name, share in sorted(content["per_class"]["frequency"].items(), key=lambda item: -item[1]):
            cells = [_iou(of_own.get(name))] if of_own else []
            classes.add_row(Text(name), _iou(content["per_class"]["iou"][name]), f"{100 * share:.3f} %", *cells)
        console.print(classes)
    for taken, answer, part in own["swapped"] if own else ():
        console.print(f"the run's segmenter takes {taken} for {answer}: {100 * float(part):.1f} % of its pixels",
                      markup=False, highlight=False, soft_wrap=True)
    missing: dict[str, list[str]] = {}
    for key, reason in content["skipped"].items():
        missing.setdefault(reason, []).append(key)
    for reason, keys in missing.items():
        console.print(f"no {', '.join(keys)}: {reason}", markup=False, highlight=False, soft_wrap=True)


def _checkpoint(protocol: Mapping[str, Any]) -> str:
    """Which weights of a run were scored; nothing for a folder of images."""
    if "checkpoint" not in protocol:
        return ""
    epoch = protocol["checkpoint"].get("epoch")
    return f", {protocol['checkpoint']['file']}" + (f" of epoch {epoch}" if epoch is not None else "")


def _iou(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.2f} %"


def _how(key: str, protocol: Mapping[str, Any]) -> str:
    """What a score was taken with, in a few words."""
    kind, _, rest = key.partition("/")
    if kind in ("fid", "frechet", "kid", *NEIGHBOURS):
        split = "train" if rest.endswith("train") else "val"
        network = InceptionFeatures.name if rest == split else rest.removesuffix("/train")
        net = protocol["features"].get(network, {})
        others = protocol.get("real_statistics") or {}
        if network == InceptionFeatures.name and others.get("split") == split:
            return (f"against others' statistics of real {split} images, {' and '.join(others['files'])} "
                    f"{others['sha256'][:8]}, {net.get('weights') or network} {(net.get('sha256') or '')[:8]}").rstrip()
        if network == PixelFeatures.name:
            network = "colours and contrasts of the pixels, no network"
        return (f"against {protocol['real'][split]['count']} real {split} images ({protocol['real'][split]['resize']})"
                f", {net.get('weights') or network} {(net.get('sha256') or '')[:8]}").rstrip()
    if kind == "segmenter":
        return f"the run's own segmenter on {protocol['generated']} real images"
    if kind == "agreement":
        return "the run's own segmenter on the generated images"
    if kind in PERCENT:
        judge = protocol["segmenter"]
        if kind == "miou_rare":
            rare = protocol["rare_classes"]
            more = f" and {len(rare) - NAMED} more" if len(rare) > NAMED else ""
            return f"of {', '.join(rare[:NAMED])}{more}"
        mean = f", {MEANS[protocol['class_mean']]}" if kind == "miou" else ""
        return f"{judge['name']} {(judge.get('sha256') or '')[:8]}{mean}"
    if kind == "diversity":
        what = "mean difference of the pixels, " if rest == PixelDistance.name else ""
        maps = min(protocol["diversity_maps"], protocol["generated"])
        return f"{what}{protocol['diversity_samples']} samples of {maps} label maps"
    if kind in ("mcsd", "mocd", "misd", "moisd"):
        maps = min(protocol["diversity_maps"], protocol["generated"])
        what = {"mcsd": "within the class", "misd": "within the instance"}.get(
            kind, f"in all but the {'class' if kind == 'mocd' else 'instance'}")
        return (f"{what} whose style is drawn, {protocol['class_restriction']}, "
                f"{protocol['diversity_samples']} samples of {maps} label maps")
    if kind == "reconstruction":
        more = f", data range {protocol['ssim_range']}" if rest == "ssim" else ""
        return f"against the photograph whose style it has ({protocol['style']}){more}"
    if kind == "region":
        return f"colours of objects against those in the style image ({protocol['style']})"
    if kind == "style_r2":
        return f"read off the result against the style image ({protocol['style']})"
    return ""
