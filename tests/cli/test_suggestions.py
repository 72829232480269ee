"""What is said of choices and keys that there are not."""

import pytest
from commands import ROOT

from semsynth.cli.help import describe
from semsynth.cli.suggestions import check_choices, suggest
from semsynth.errors import ConfigError

TRAIN = ROOT / "conf" / "train.yaml"


def test_keys_that_hydra_refuses():
    lines = suggest(["norm=spade,clade", "epochz=3", "generator.nfg=4", "batch=3", "+new=1", "-m"], TRAIN)
    assert lines[0].startswith("epochz: there is no such key; did you mean epochs")
    assert "generator.ngf" in lines[1]
    assert len(lines) == 2


def test_a_key_whose_parent_has_a_value_of_its_own():
    line, = suggest(["batch=2,4", "batch.total=8", "batch_size.x=1"], TRAIN)[:1]
    assert line == "batch.total=8: batch=2,4 has set all of batch: leave one of them out"
    assert not suggest(["optim=ttur", "optim.generator.lr=1", "seed=1", "batch.total=8", "batch={total: 8}",
                        "batch.device=2"], TRAIN)


def test_keys_of_a_recipe_are_named_where_they_were_looked_for_in_the_data_set():
    batch, size = suggest(["dataset=folder", "dataset.recipe.batch=4", "recipe.size=64"], TRAIN)
    assert batch.startswith("dataset.recipe.batch: there is no such key; did you mean recipe.batch or ")
    assert "dataset.size" in size


def test_keys_of_the_given_choices_are_known():
    """Of another data set, system and logger than the defaults."""
    given = ["dataset=cityscapes", "dataset.citiez=[bonn]", "dataset.cities=[bonn]", "norm=mixed", "norm.transition=2",
             "system=unpaired", "in_loop@system.segmenter=untrained", "logger=csv", "logger.mode=online",
             "loss.generator.perceptual.weights=x"]
    lines = suggest(given, TRAIN)
    assert lines[0].startswith("dataset.citiez: there is no such key; did you mean dataset.cities")
    assert lines[1].startswith("logger.mode: there is no such key")
    assert len(lines) == 2


@pytest.mark.parametrize(("command", "overrides", "message"), [
    ("train", ["norm=spade,cladee"], r"^norm=cladee: there is no such choice; did you mean clade.*ace, .*clade, "),
    ("train", ["logger=null"], r"^logger=null: choose one of csv, tensorboard, wandb$"),
    ("train", ["~logger"], r"^~logger: choose one of csv, tensorboard, wandb$"),
    ("train", ["norm=null", "optim=null"], r"^norm=null: choose one of ace, .*\noptim=null: choose"),
    ("train", ["logger=none"], r"^logger=none: there is no such choice.*csv, tensorboard, wandb"),
    ("train", ["logger=[wandb,tensorbord]"], r"^logger=tensorbord: .* did you mean tensorboard"),
    ("train", ["logger=[]"], r"^logger=\[\]: choose one of csv, tensorboard, wandb, or several as in logger=\[A,B\]$"),
    ("train", ["norm=[spade,clade]"], r"^norm=\[spade,clade\]: choose one of .* a sweep are -m norm=A,B$"),
    ("train", ["+experiments=norms"], r"^\+experiments=: experiments has a place already: leave the \+ out$"),
    ("train", ["experiments=norm"], r"^experiments=norm: .* did you mean norms"),
    ("train", ["run_dir=", "batch=2"], r"^run_dir=: no value is given, .* write run_dir=VALUE, or leave it out$"),
    ("train", ["norm="], r"^norm=: there is no such choice"),
    ("train", ["+new.key=1,", "resume="], r"^resume=: no value"),
    ("synthesize", ["output="], r"^output=: no value"),
    ("train", ["loss=null"], r"^loss=null: choose one of cc_fpse, .*, photographs, "),
    ("evaluate", ["segmenter=null"], r"^segmenter=null: choose one of camvid, .* none, "),
    ("check_data", ["loss=spade"], r"^loss=: this command makes no use of it"),
    ("evaluate", ["scores=fid", "recipe=ade20k"], r"^scores=: this .*\nrecipe=: this command makes no use of it"),
    ("weights", ["encoder=style"], r"^encoder=: this command makes no use of it"),
    ("complexity", ["callbacks=default"], r"^callbacks=: this command makes no use of it"),
])
def test_choices_that_there_are_not(command, overrides, message, monkeypatch):
    monkeypatch.chdir(ROOT)
    with pytest.raises(ConfigError, match=message):
        check_choices(overrides, ROOT / "conf" / f"{command}.yaml")


@pytest.mark.parametrize(("command", "override"), [
    ("train", "norm=spade,clade"), ("train", "ablation=null"), ("train", "segmenter@scores.assess.judge=null"),
    ("train", "experiments=norms"), ("train", "hydra/launcher=submitit_local"), ("train", "norm.transition=1"),
    ("train", "dataset=choice(scenes,camvid)"), ("evaluate", "segmenter=none"), ("import_checkpoint", "dataset=null"),
    ("train", "callbacks.ema=null"), ("train", "logger=[wandb,csv]"), ("train", "norm=glob(clade*)"),
])
def test_choices_that_there_are(command, override, monkeypatch):
    monkeypatch.chdir(ROOT)
    check_choices([override], ROOT / "conf" / f"{command}.yaml")


@pytest.mark.parametrize("flags", [["--config-dir", "{}"], ["--config-dir={}"], ["-cd", "{}"],
                                   ["hydra.searchpath=['file://{}']"]], ids=lambda flags: flags[0])
def test_choices_of_ones_own_folder(flags, tmp_path):
    """Beside those of conf/, whose groups they join."""
    own = tmp_path / "own (1)"
    (own / "norm").mkdir(parents=True)
    (own / "norm" / "mine.yaml").write_text("# @package norm\nswirl: 1\n")
    given = [flag.format(own) for flag in flags]
    check_choices([*given, "norm=mine"], TRAIN)
    with pytest.raises(ConfigError, match=r"norm=mien: there is no such choice; did you mean mine"):
        check_choices([*given, "norm=mien"], TRAIN)
    assert suggest([*given, "norm=mine", "norm.swirl=2"], TRAIN) == []
    assert suggest([*given, "norm=mine", "norm.swril=2"], TRAIN)[0].startswith("norm.swril: there is no such key; did "
                                                                               "you mean norm.swirl")
    assert "swirl" not in str(suggest([*given, "norm.swril=2"], TRAIN))
    assert "norm=mine " in describe(TRAIN, "", [*given, "norm=mine"])
