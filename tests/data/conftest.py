import pytest
from commands import composed, load

_fixtures = load("tests/data/fixtures.py")


@pytest.fixture(scope="session")
def fx():
    """The module that writes tiny data sets."""
    return _fixtures


@pytest.fixture
def compose():
    """Compose the configuration of a data set as the command line would."""
    return lambda name, root, *overrides: composed("check_data", f"dataset={name}", f"dataset.root={root}", *overrides)


@pytest.fixture
def build(compose):
    """Build a split of a data set from its yaml."""
    from hydra.utils import instantiate

    from semsynth.config import finalize

    def run(name, root, split="train", overrides=(), **keywords):
        cfg = finalize(compose(name, root, *overrides))
        return instantiate(cfg.dataset[split], _convert_="all", **keywords)()

    return run
