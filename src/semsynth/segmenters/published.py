"""Judges with published weights: the file, or the pair of files, that their authors offer for download."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from torch import Tensor, nn

from semsynth.errors import SegmenterError
from semsynth.pretrained.files import JUDGES
from semsynth.pretrained.folder import MissingWeights, obtain, tool
from semsynth.segmenters.class_maps import CLASS_MAPS
from semsynth.segmenters.judge import Judge, NoJudge
from semsynth.segmenters.preprocessing import Preprocessing
from semsynth.segmenters.state_dict import load_into, read_state_dict
from semsynth.weights.tensor_files import sha256_of

HALVES = ("encoder", "decoder")  # children of a network, and beginnings of the names of its two files
# Buffers that synchronised batch norm layers left in older files beside the statistics themselves.
LEFTOVERS = ("_tmp_running_mean", "_tmp_running_var", "_running_iter")


@runtime_checkable
class Renames(Protocol):
    """A network whose names differ from those of its published file."""

    def rename(self, key: str) -> str:
        """Our name of a published key."""


class PublishedJudge(Judge):
    """A judge whose weights are published, for the data set that they were trained on.

    A network with an `encoder` and a `decoder` also takes its weights from two files, whose names begin with these
    words: give the folder that holds one of each, or either file. See also `Renames`.

    Args:
        network: See `Judge`.
        name: See `Judge`.
        weights: The file or the folder.
        labels: Names the data set in `class_maps`.
        class_mean: See `Judge`.
        preprocessing: See `Judge`.

    Raises:
        SegmenterError: there is no such file, it cannot be read or it belongs to another network.
        ValueError: there is no such class map.
    """

    def __init__(self, network: nn.Module, *, name: str, weights: str | Path, labels: str,
                 preprocessing: Preprocessing, class_mean: str = "nan_mean") -> None:
        if labels not in CLASS_MAPS:
            raise ValueError(f"labels must be one of {', '.join(CLASS_MAPS)}, got {labels!r}")
        way_out = f"{tool()} says where the files of {name} come from; segmenter.weights=PATH gives them"
        path = Path(weights).expanduser()
        if not path.exists():
            raise SegmenterError(f"{path}: there is no such file of weights. {way_out}")
        classes = CLASS_MAPS[labels]
        super().__init__(network, name=name, classes=classes.classes, class_map=list(classes.channels),
                         ignore=classes.ignore, preprocessing=preprocessing, class_mean=class_mean)
        self.files: dict[str, str] = {}
        for part, file in _parts(network, path, way_out):
            load_into(part, _renamed(part, read_state_dict(file)), file)
            self.files[file.name] = sha256_of(file)
        self.weights = path
        self.sha256 = "+".join(self.files.values())
        self.requires_grad_(False)

    def description(self) -> dict[str, object]:
        """As a judge's, with the SHA-256 of every file."""
        return {**super().description(), "files": dict(self.files)}


def published_judge(network: Callable[[], nn.Module], *, name: str, labels: str, preprocessing: Preprocessing,
                    weights: str | Path | None = None, class_mean: str = "nan_mean") -> Judge | NoJudge:
    """A published judge with the weights of a path, or of the folder of weights; or why there is none.

    Args:
        network: Builds it, which happens only where there are weights.
        name: See `Judge`; names its files in `semsynth.pretrained.files`.
        labels: See `PublishedJudge`.
        preprocessing: See `Judge`.
        weights: The file or the folder; None: those in the folder of weights.
        class_mean: See `Judge`.

    Raises:
        SegmenterError: `weights` are given and cannot be had.
        ValueError: there is no such class map.
    """
    what: Any = {"name": name, "labels": labels, "preprocessing": preprocessing, "class_mean": class_mean}
    if weights is not None:
        return PublishedJudge(network(), weights=weights, **what)
    if name not in JUDGES:
        return NoJudge(f"the judge {name} needs segmenter.weights=PATH: nothing is known of its files")
    try:
        paths = [obtain(file) for file in JUDGES[name]]
        return PublishedJudge(network(), weights=paths[0], **what)
    except MissingWeights as error:
        return NoJudge(f"the judge {name} needs its published weights: {error}", listed=True)
    except SegmenterError as error:  # of a file that is damaged; in one line
        return NoJudge(str(error).splitlines()[0], listed=True)


def _parts(network: nn.Module, path: Path, way_out: str) -> Iterator[tuple[nn.Module, Path]]:
    """The modules to fill and the file of each."""
    halves = {*HALVES} <= dict(network.named_children()).keys()
    begins = next((half for half in HALVES if path.name.startswith(half)), None)
    if not path.is_dir() and not (halves and begins):
        yield network, path
        return
    if not halves:
        raise SegmenterError(f"{path} is a folder: {type(network).__name__} has its weights in one file. {way_out}")
    for half in HALVES:
        yield network.get_submodule(half), _half(path, begins, half, way_out)


def _half(path: Path, begins: str | None, half: str, way_out: str) -> Path:
    """The file of one half: in the folder `path`, or beside the file `path` of the half `begins`."""
    if begins is not None and path.is_file():
        file = path.with_name(half + path.name.removeprefix(begins))
        if not file.is_file():
            raise SegmenterError(f"{file}: there is no such file of weights, which belongs to {path}. {way_out}")
        return file
    found = sorted(path.glob(f"{half}*.pth"))
    if len(found) != 1:
        names = ", ".join(file.name for file in found) or "none"
        raise SegmenterError(f"{path} must hold one file {half}*.pth, found {names}. {way_out}")
    return found[0]


def _renamed(network: nn.Module, state: dict[str, Tensor]) -> dict[str, Tensor]:
    rename = network.rename if isinstance(network, Renames) else str
    return {rename(key): value for key, value in state.items() if not key.endswith(LEFTOVERS)}
