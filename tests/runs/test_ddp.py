"""The processes of a run know of each other."""

from types import SimpleNamespace

import pytest
from lightning_fabric.plugins.environments import LightningEnvironment, SLURMEnvironment

from semsynth.errors import ConfigError
from semsynth.runs.ddp import check_other_nodes


def trainer(nodes, environment):
    return SimpleNamespace(num_nodes=nodes, strategy=SimpleNamespace(cluster_environment=environment))


def test_other_nodes_that_nothing_has_started_are_not_waited_for(monkeypatch):
    for name in ("NODE_RANK", "GROUP_RANK"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigError, match="nodes=2: nothing has started .* srun does"):
        check_other_nodes(trainer(2, LightningEnvironment()))
    check_other_nodes(trainer(1, LightningEnvironment()))
    check_other_nodes(trainer(1, None))
    check_other_nodes(trainer(2, SLURMEnvironment()))
    monkeypatch.setenv("NODE_RANK", "0")  # started by hand on each node
    check_other_nodes(trainer(2, LightningEnvironment()))
