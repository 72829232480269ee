"""Which files of a folder are masks, and why those that are there cannot be."""

from pathlib import Path

from semsynth.data.errors import DataError
from semsynth.data.mask_formats import READ
from semsynth.data.source import LABEL_SUFFIXES, files_in

JPEG_SUFFIXES = (".jpg", ".jpeg", ".jfif", ".jpe")


def label_files(folder: Path, recursive: bool = False) -> list[Path]:
    """List the masks of a folder, in natural order; none where the folder holds no files at all.

    Raises:
        DataError: there are files, but none in a format that masks are read from; names one and says why.
    """
    found = files_in(folder, LABEL_SUFFIXES, recursive)
    others = [] if found else [path for path in folder.rglob("*" if recursive else "[!.]*")
                               if path.is_file() and not path.name.startswith(".")]
    if others:
        jpeg = sorted(path for path in others if path.suffix.lower() in JPEG_SUFFIXES)
        if jpeg:
            raise DataError(f"{jpeg[0]}: masks must be stored without loss, and JPEG changes ids and colours along "
                            "every border: export them anew, as PNG, where they were drawn")
        raise DataError(f"{sorted(others)[0]}: no mask that can be read: masks are {READ}")
    return found


def masks_of(root: Path) -> list[Path]:
    """List the masks of all splits of a folder data set, see `semsynth.data.folder.Folder`.

    Raises:
        DataError: as `label_files`.
    """
    folders = (root / "labels", root / "train" / "labels", root / "val" / "labels")
    return [path for folder in folders if folder.is_dir() for path in label_files(folder, recursive=True)]
