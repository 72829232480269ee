"""Which files of a folder are masks, and why those that are there cannot be."""

from pathlib import Path

from semsynth.data.mask_formats import READ
from semsynth.data.source import LABEL_SUFFIXES, files_in
from semsynth.errors import DataError

JPEG_SUFFIXES = (".jpg", ".jpeg", ".jfif", ".jpe")


def label_files(folder: Path) -> list[Path]:
    """List the label maps below a folder, in natural order; of Cityscapes' files, those of ids.

    Raises:
        DataError: there are files, but none in a format that masks are read from; names one and says why.
    """
    return _only(_masks(folder), "_labelIds")


def instance_files(folder: Path) -> list[Path]:
    """List the instance maps below a folder; of Cityscapes' files, those of instances.

    Raises:
        DataError: as `label_files`.
    """
    return _only(_masks(folder), "_instanceIds")


def masks_of(root: Path) -> list[Path]:
    """List the masks of all splits of a folder data set, see `semsynth.data.folder.Folder`.

    Raises:
        DataError: as `label_files`.
    """
    folders = (root / "labels", root / "train" / "labels", root / "val" / "labels")
    return [path for folder in folders if folder.is_dir() for path in label_files(folder)]


def _masks(folder: Path) -> list[Path]:
    found = files_in(folder, LABEL_SUFFIXES)
    others = [] if found else files_in(folder)
    if others:
        jpeg = [path for path in others if path.suffix.lower() in JPEG_SUFFIXES]
        if jpeg:
            raise DataError(f"{jpeg[0]}: masks must be stored without loss, and JPEG changes ids and colours along "
                            "every border: export them anew, as PNG, where they were drawn")
        raise DataError(f"{others[0]}: no mask that can be read: masks are {READ}")
    return found


def _only(files: list[Path], ending: str) -> list[Path]:
    return [path for path in files if path.stem.endswith(ending)] or files
