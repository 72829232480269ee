"""The folder that pictures are written to."""

from pathlib import Path

from semsynth.errors import DataError


def open_output(output: str | Path, overwrite: bool) -> Path:
    """Make the folder, or take one that is there.

    Raises:
        DataError: it holds files already, which those of this call would stand among, and `overwrite` is not set.
    """
    folder = Path(output).expanduser()
    before = sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else []
    if before and not overwrite:
        raise DataError(f"output={output} holds {len(before)} files already ({before[0].name} ...), and new pictures "
                        "would stand among them: take another folder, or overwrite=true to replace those of the same "
                        "names")
    folder.mkdir(parents=True, exist_ok=True)
    return folder
