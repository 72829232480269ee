"""Which files belong to a released model, and the options that lie beside them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from semsynth.errors import CheckpointError

# of SPADE and its kin, and of OASIS, whose moving average of the generator lies in a file of its own
_NAME = re.compile(r"(?P<epoch>.+?)_(?P<net>net_|)(?P<part>G|D|E|EMA)\.pth")
GENERATORS = ("EMA", "G")
PARTS = {"G": "generator", "D": "discriminator", "E": "encoder"}
_DATA_SETS = {"ade20k": "ade20k", "coco": "coco_stuff", "cityscapes": "cityscapes"}
_UPSAMPLINGS = {"normal": 5, "more": 6, "most": 7}


def find_files(source: Path, epoch: str | None = None) -> dict[str, Path]:
    """The files of a model by part: `EPOCH_net_G.pth` and, of the same epoch, `_net_D` and `_net_E`.

    OASIS's are `EPOCH_EMA.pth`, which is taken for the generator, else `EPOCH_G.pth`, and `EPOCH_D.pth`.

    Args:
        source: The folder, or the generator's file; of another name, it stands alone.
        epoch: Which of several in a folder; None: latest (of OASIS best), else the other, else the highest number.

    Raises:
        CheckpointError: there is no generator's file.
    """
    if source.is_dir():
        source = _generator_in(source, epoch)
    elif not source.is_file():
        raise CheckpointError(f"source={source}: there is no such file or folder")
    files = {"generator": source}
    found = _NAME.fullmatch(source.name)
    if found and found["part"] in GENERATORS:
        for letter, part in (*PARTS.items(), ("IE", "encoder")):  # some of INADE's encoders are called so
            beside = source.with_name(f"{found['epoch']}_{found['net']}{letter}.pth")
            if part not in files and beside.is_file():
                files[part] = beside
    return files


def _generator_in(folder: Path, epoch: str | None) -> Path:
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):  # EMA before G
        if (m := _NAME.fullmatch(path.name)) and m["part"] in GENERATORS:
            found.setdefault(m["epoch"], path)
    if epoch is None and found:
        numbers = sorted((name for name in found if name.isdecimal()), key=int)
        usual = ["latest", "best"]
        if any(path.name.endswith("_EMA.pth") for path in found.values()):
            usual.reverse()  # published: OASIS is tested with best_EMA
        epoch = next((name for name in (*usual, *numbers[::-1], *found) if name in found), None)
    if epoch in found:
        return found[epoch]
    wanted = f"{epoch}_net_G.pth" if epoch else "EPOCH_net_G.pth, as in latest_net_G.pth"
    there = [path.name for path in sorted(folder.iterdir()) if path.suffix in (".pth", ".pt", ".safetensors")]
    raise CheckpointError(f"source={folder} holds no {wanted} (files of weights there: {', '.join(there) or 'none'}): "
                          "give the generator's file itself")


@dataclass(frozen=True)
class ImportHints:
    """What is known of a model besides its tensors; None where nothing is said.

    Attributes:
        dataset: Choice of conf/dataset.
        size: [H, W] of the training images.
        upsamplings: Of the generator, 5 to 7.
        edges: Whether the label map has an edge channel.
    """

    dataset: str | None = None
    size: tuple[int, int] | None = None
    upsamplings: int | None = None
    edges: bool | None = None

    def or_else(self, other: ImportHints) -> ImportHints:
        """This, completed by what the other says."""
        return ImportHints(*(mine if mine is not None else theirs for mine, theirs in
                      zip(vars(self).values(), vars(other).values(), strict=True)))


def read_options(folder: Path) -> ImportHints:
    """What the text file `opt.txt` of a released model says; nothing where there is none."""
    path = folder / "opt.txt"
    if not path.is_file():
        return ImportHints()
    lines = re.findall(r"^\s*(\w+): (\S*)", path.read_text(encoding="utf-8", errors="replace"), re.MULTILINE)
    options = dict(lines)
    size = None
    try:
        width = int(options["crop_size"])
        size = (round(width / float(options.get("aspect_ratio", "1"))), width)
    except (KeyError, ValueError, ZeroDivisionError, OverflowError):
        pass
    edges = {"True": False, "False": True}.get(options.get("no_instance", ""))
    return ImportHints(_DATA_SETS.get(options.get("dataset_mode", "")), size,
                _UPSAMPLINGS.get(options.get("num_upsampling_layers", "")), edges)
