"""Building an object that a configuration names."""

from typing import Any

import hydra.utils
from hydra.errors import InstantiationException

from semsynth.errors import ConfigError


def built(node: Any) -> Any:
    """Build an object from a node; what its constructor says against the values is a fault of the configuration.

    Raises:
        ConfigError: the constructor refuses the values; in its words.
    """
    try:
        return hydra.utils.instantiate(node, _convert_="all")
    except InstantiationException as error:
        if isinstance(error.__cause__, ValueError):
            raise ConfigError(str(error.__cause__)) from error
        raise
