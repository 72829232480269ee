"""Reading a file of weights, and saying which of its keys do not fit a network."""

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor, nn

from semsynth.errors import SegmenterError, TensorFileError
from semsynth.weights.tensor_files import read_tensors

SHOWN_KEYS = 8  # rows of the table of keys that do not fit


def read_state_dict(path: str | Path) -> dict[str, Tensor]:
    """Read the tensors of a `.pth` (a plain or wrapped state dict) or `.safetensors` file.

    Raises:
        SegmenterError: there is no such file, or it holds something else than finite tensors.
    """
    try:
        return read_tensors(Path(path))
    except TensorFileError as error:
        raise SegmenterError(str(error)) from None


def load_into(network: nn.Module, state: Mapping[str, Tensor], path: str | Path) -> None:
    """Load a state dict, all of whose keys and shapes must fit; tensors take the network's types.

    Counters of batches, which older files lack, may be missing.

    Args:
        network: Changed in place.
        state: Names and tensors.
        path: Of the file, for the message.

    Raises:
        SegmenterError: keys or shapes differ; a table of the first ones is in the message.
    """
    expected = network.state_dict()
    rows = []
    for key, tensor in expected.items():
        if key not in state:
            if not key.endswith("num_batches_tracked"):
                rows.append((key, _shape(tensor), "missing"))
        elif state[key].shape != tensor.shape:
            rows.append((key, _shape(tensor), _shape(state[key])))
    rows += [(key, "no such key", _shape(tensor)) for key, tensor in state.items() if key not in expected]
    if rows:
        raise SegmenterError(
            f"{path} does not fit {type(network).__name__}: {len(rows)} of {len(expected)} keys differ\n"
            + key_table(rows)
            + "\nIs this the file of another network, or of one with another number of classes?"
        )
    network.load_state_dict({**expected, **state})


def key_table(rows: list[tuple[str, str, str]], shown: int = SHOWN_KEYS) -> str:
    """Rows (key, what the network has, what the file has) as an aligned table, cut after `shown` rows."""
    table = [("key", "network", "file"), *rows[:shown]]
    widths = [max(len(row[column]) for row in table) for column in range(2)]
    lines = [f"  {key:<{widths[0]}}  {ours:<{widths[1]}}  {theirs}" for key, ours, theirs in table]
    if len(rows) > shown:
        lines.append(f"  ... and {len(rows) - shown} more")
    return "\n".join(lines)


def _shape(tensor: Tensor) -> str:
    return "x".join(str(side) for side in tensor.shape) or "scalar"
