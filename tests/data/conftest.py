import numpy as np
import pytest
from commands import composed, load
from PIL import Image

_fixtures = load("tests/data/fixtures.py")


@pytest.fixture(scope="session")
def fx():
    """The module that writes tiny data sets."""
    return _fixtures


@pytest.fixture
def compose():
    """Compose the configuration of a data set as the command line of tools/check_data.py would, or another one."""
    def run(name, root, *overrides, command="check_data"):
        return composed(command, f"dataset={name}", f"dataset.root={root}", *overrides)

    return run


@pytest.fixture
def build(compose):
    """Build a split of a data set from its yaml."""
    from hydra.utils import instantiate

    from semsynth.config import finalize

    def run(name, root, split="train", overrides=(), **keywords):
        cfg = finalize(compose(name, root, *overrides))
        return instantiate(cfg.dataset[split], _convert_="all", **keywords)()

    return run


@pytest.fixture
def half_png():
    """Write a PNG whose stream, whole and rightly closed, holds the upper half of the rows: decoders fill up zeros."""
    import io
    import struct
    import zlib

    def chunks(array):
        buffer = io.BytesIO()
        Image.fromarray(array).save(buffer, "PNG")
        data, place = buffer.getvalue(), 8
        while place < len(data):
            (length,) = struct.unpack(">I", data[place : place + 4])
            yield data[place + 4 : place + 8], data[place + 8 : place + 8 + length]
            place += length + 12

    def run(array, path):
        header = dict(chunks(array))[b"IHDR"]
        rows = dict(chunks(array[: len(array) // 2]))[b"IDAT"]
        parts = [(b"IHDR", header), (b"IDAT", rows), (b"IEND", b"")]
        path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
            for kind, data in parts))
        return path

    return run


@pytest.fixture
def files(tmp_path):
    """Six pictures whose grey value and whose label are their number."""
    for folder in ("images", "labels"):
        (tmp_path / folder).mkdir()
    for number in range(6):
        Image.new("RGB", (20, 20), (40 * number,) * 3).save(tmp_path / "images" / f"{number}.png")
        Image.fromarray(np.full((20, 20), number, np.uint8)).save(tmp_path / "labels" / f"{number}.png")
    return tmp_path
