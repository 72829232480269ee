"""The needed files as a table: which are there, and whether they are what they should be."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from semsynth.errors import TensorFileError
from semsynth.pretrained.folder import folder
from semsynth.pretrained.needs import Need
from semsynth.weights.tensor_files import read_tensors, sha256_of

MEGABYTE = 2**20


def table(needs: Sequence[Need]) -> tuple[Table, list[str]]:
    """A row for each file, with what is known of it line by line; and the names of those that are there and damaged."""
    shown = Table("file", "what is known of it", show_lines=True)
    for column in shown.columns:
        column.overflow = "fold"  # names and addresses stay whole
    damaged = []
    for need in needs:
        state, digest, fine = state_of(need)
        damaged += [need.name] if need.path is not None and not fine else []
        lines = [state, *([f"SHA-256: {digest}"] if digest else []), f"for: {need.use}", f"from: {need.source}",
                 f"without it: {need.without}"]
        if need.path is not None and need.path != folder() / need.name:
            lines.insert(1, f"at: {need.path}")
        what = Text("\n".join(lines))
        what.stylize("green" if fine else "red", 0, len(state))
        shown.add_row(Text(need.name), what)
    return shown, damaged


def state_of(need: Need) -> tuple[str, str, bool]:
    """Whether a file is there and whole, in words with its size; its SHA-256; and the same as a truth value."""
    if need.path is None:
        return "missing" + (f" (about {need.megabytes} MB)" if need.megabytes else ""), "", False
    if need.path.is_dir():
        return "there (a folder)", "", True
    size = f"{need.path.stat().st_size / MEGABYTE:.1f} MB"
    digest = sha256_of(need.path)
    if need.digest and not digest.startswith(need.digest):
        return f"DAMAGED, or another file ({size}): SHA-256 should begin {need.digest[:8]}", digest, False
    if not need.digest:  # nothing to compare with: whether it can be read tells what is cut off
        try:
            read_tensors(need.path)
        except TensorFileError as error:
            return f"DAMAGED ({size}): {error}", digest, False
    known = "as published" if need.digest else "can be read; no SHA-256 is published"
    return f"there ({size}), {known}", digest, True
