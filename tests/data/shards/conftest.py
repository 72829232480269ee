import io

import pytest
from rich.console import Console

from semsynth.commands import make_shards


@pytest.fixture
def pack(compose):
    """Make the shards of a data set as the command does; returns what it says."""
    def run(name, root, output, *overrides):
        console = Console(file=io.StringIO(), width=200)
        make_shards.make(compose(name, root, f"output={output}", *overrides, command="make_shards"), console)
        return console.file.getvalue()

    return run


@pytest.fixture
def cities(fx, pack, tmp_path):
    """Cityscapes and its shards: (root, shards)."""
    root, shards = fx.cityscapes(tmp_path / "files", counts=(10, 2)), tmp_path / "shards"
    pack("cityscapes", root, shards)
    return root, shards
