"""What a search over configurations optimizes."""

import math

import pytest
import yaml
from commands import ROOT, composed
from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf

from semsynth import runs
from semsynth.cli.suggestions import check_choices
from semsynth.cli.typed import as_overrides
from semsynth.errors import ConfigError
from semsynth.runs.searching import check_search

TABLE = "step,epoch,loss,score/miou,score/fid\n9,0,3,,\n9,0,,0.2,{}\n19,1,,0.5,{}\n29,2,,0.4,{}\n"


@pytest.mark.parametrize(
    ("monitor", "mode", "values", "best"),
    [("score/miou", "max", "123", 0.5), (["score/kid", "score/fid"], "min", "213", 1.0), (None, "min", "123", None),
     ("score/kid", "min", "123", None), ("score/fid", "min", ["nan", "7", "nan"], 7.0)],
)
def test_the_best_value_of_a_run(monitor, mode, values, best, tmp_path):
    checkpoints = {"monitor": monitor, "mode": mode}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({"callbacks": {"checkpoints": checkpoints}}))
    assert runs.best_value(tmp_path) is None
    (tmp_path / "metrics.csv").write_text(TABLE.format(*values))
    assert runs.best_value(tmp_path) == best
    if best == 7.0:
        (tmp_path / "metrics.csv").write_text(TABLE.format("nan", "nan", "nan"))
        assert math.isnan(runs.best_value(tmp_path))


@pytest.fixture
def search(monkeypatch):
    """Check a sweep with Optuna's direction, without the plugin."""
    def check(direction, *overrides):
        sweeper = OmegaConf.create({"sweeper": {"direction": direction}})
        monkeypatch.setattr(HydraConfig, "get", lambda: sweeper)
        check_search(composed("train", *overrides, "run_dir=x"))
    return check


def test_a_search_the_wrong_way_is_refused(search):
    """It would find the worst, hours later."""
    search("minimize")
    search("maximize", "scores.monitor=score/miou", "scores.mode=max")
    with pytest.raises(ConfigError, match=r"scores\.mode=min .* set hydra\.sweeper\.direction=minimize"):
        search("maximize")
    with pytest.raises(ConfigError, match=r"set hydra\.sweeper\.direction=minimize"):
        search(["minimize", "maximize"])
    with pytest.raises(ConfigError, match=r"monitor, which is null"):
        search("minimize", "scores=none")


def test_what_an_agent_of_wandb_types_is_understood():
    """The sweep in docs/dashboard.md: W&B makes the arguments, with dashes unless the command says otherwise."""
    agent = pytest.importorskip("wandb.sdk.launch.sweeps.utils")
    text = (ROOT / "docs" / "dashboard.md").read_text().split("```yaml\n")[1].split("```")[0]
    sweep = yaml.safe_load(text)
    assert "${args_no_hyphens}" in sweep["command"]
    chosen = {"norm": "spade", "optim.generator.lr": 3e-05}
    assert chosen.keys() == sweep["parameters"].keys()
    typed = agent.create_sweep_command_args({"args": {key: {"value": value} for key, value in chosen.items()}})
    file = ROOT / "conf" / "train.yaml"
    overrides = as_overrides(typed["args_no_hyphens"], file)
    check_choices(overrides, file)
    cfg = composed("train", *overrides, "run_dir=x")
    assert (cfg.optim.generator.lr, cfg.norm._target_.rsplit(".", 1)[1]) == (3e-05, "SPADE")
    with pytest.raises(ConfigError, match="without dashes"):
        as_overrides(typed["args"], file)


def test_without_a_direction_there_is_no_search(monkeypatch):
    cfg = composed("train", "scores=none", "run_dir=x", return_hydra_config=True)
    monkeypatch.setattr(HydraConfig, "get", lambda: cfg.hydra)
    check_search(OmegaConf.create({}))
