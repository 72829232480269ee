import importlib.util
from pathlib import Path

import pytest

_spec = importlib.util.spec_from_file_location("data_fixtures", Path(__file__).with_name("fixtures.py"))
_fixtures = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_fixtures)


@pytest.fixture(scope="session")
def fx():
    """The module that writes tiny data sets."""
    return _fixtures


CONF = Path(__file__).parents[2] / "conf"


@pytest.fixture
def compose():
    """Compose the configuration of a data set as the command line would."""
    from hydra import compose, initialize_config_dir

    def run(name, root, *overrides):
        with initialize_config_dir(str(CONF), version_base="1.3"):
            return compose("check_data", [f"dataset={name}", f"dataset.root={root}", *overrides])

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
