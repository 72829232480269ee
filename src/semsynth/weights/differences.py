"""The table that says where the tensors of a file are not those of a network."""

from collections.abc import Sequence

from torch import Tensor

Row = tuple[str, str, str]
SHOWN = 8  # rows


def difference_table(rows: Sequence[Row], headings: Row = ("tensor", "expected", "file"), shown: int = SHOWN) -> str:
    """Rows (name, what is expected, what the file has) as an aligned table, cut after `shown` rows."""
    table = [headings, *rows[:shown]]
    widths = [max(len(row[column]) for row in table) for column in range(2)]
    lines = [f"  {key:<{widths[0]}}  {ours:<{widths[1]}}  {theirs}" for key, ours, theirs in table]
    if len(rows) > shown:
        lines.append(f"  ... and {len(rows) - shown} more")
    return "\n".join(lines)


def shape_in_words(tensor: Tensor) -> str:
    """A shape as 64x3x4x4."""
    return "x".join(str(side) for side in tensor.shape) or "scalar"
