"""Names of files reach the commands as they are typed; what is no argument is answered with how it is written."""

import shlex

import pytest
from commands import ROOT
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from semsynth.cli.typed import as_overrides, asks_for_help, plain, readable
from semsynth.errors import ConfigError
from semsynth.spelling import quoted

TRAIN = ROOT / "conf" / "train.yaml"
NAMES = ["set (1)", "lr=2", "a,b", "Müller", "数据", "it's", 'say "so"', "0_size-[32,32]+norm-clade", "a;b&c|d#e",
         "[x]", "{x}", "a'b,c", "back\\slash", "back\\", "(1)", " space ", "50%!", "a@b:c", "choice(a,b", "a\\,b"]


def parsed(text):
    return OverridesParser.create().parse_override(text)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("sweep", [False, True])
def test_a_name_that_is_there_arrives_as_it_is(name, sweep, tmp_path):
    (tmp_path / name).mkdir()
    override = parsed(f"run={readable(f'{tmp_path}/{name}', sweep)}")
    assert not override.is_sweep_override()
    assert override.value() == f"{tmp_path}/{name}"


@pytest.mark.parametrize("name", [n for n in NAMES if n not in (" space ", "a\\,b")])
def test_a_name_to_be_made_arrives_as_it_is(name, tmp_path):
    if name == "choice(a,b" or name[0] in "[{":
        name = f"{tmp_path}/{name}"  # alone it would be Hydra's grammar
    else:
        name = f"{tmp_path}/new {name}"
    assert parsed(f"output={readable(name)}").value() == name


def test_what_looks_like_an_interpolation_may_be_the_name_of_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("${norm}", "(1) ${norm}"):
        assert OmegaConf.create({"run": parsed(f"run={readable(name)}").value(), "norm": "clade"}).run == (
            name.replace("${norm}", "clade"))
        (tmp_path / name).mkdir()
        assert OmegaConf.create({"run": parsed(f"run={readable(name)}").value(), "norm": "clade"}).run == name


def test_the_home_directory(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert parsed(f"a={readable('~/base')}").value() == f"{tmp_path}/base"
    assert parsed(f"a={readable('~')}").value() == str(tmp_path)
    assert parsed(f"a={readable('[~/a,b (1).png]')}").value() == [f"{tmp_path}/a", "b (1).png"]


def test_names_in_a_sweep(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a (1)", "b (2)", "c,d"):
        (tmp_path / name).mkdir()
    (typed,) = as_overrides(["run=a (1),b (2)", "-m"], TRAIN)[1:]
    assert [value.text for value in parsed(typed).sweep_iterator()] == ["a (1)", "b (2)"]
    assert parsed(as_overrides(["run=c,d"], TRAIN)[0]).value() == "c,d"
    assert parsed(as_overrides(["norm=spade,clade", "-m"], TRAIN)[1]).is_sweep_override()


@pytest.mark.parametrize("text", ["size=[64,64]", "batch=4", "norm=spade,clade", "a={b: c}", "a='q'", "+a.b=1", "~a",
                                  "a=null", "a=", "optim.generator.lr=1e-4", "a=${b}", "seed=range(1,4)", "x@y=z",
                                  "a=runs/*", "callbacks.ema=null", "batch=[1", "a='open"])
def test_what_hydra_can_read_or_shall_refuse_stays(text):
    assert as_overrides([text], TRAIN) == [text]


def test_flags_and_their_values_stay():
    arguments = ["--cfg", "job", "-p", "norm", "-m", "--config-dir=x", "a=1"]
    assert as_overrides(arguments, TRAIN) == arguments
    assert as_overrides(["a=1", "-m", "b=2", "--config-dir", "x", "c=3"], TRAIN) == [
        "-m", "--config-dir", "x", "a=1", "b=2", "c=3"]
    assert as_overrides(["", "--help"], TRAIN) == []
    assert asks_for_help(["norm=spade", "-h"])
    assert not asks_for_help(["norm=spade"])


@pytest.mark.parametrize(("arguments", "message"), [
    (["--norm=spade"], r"--norm=spade: write norm=spade, without dashes"),
    (["--batch", "4"], r"--batch: write batch=VALUE, without dashes"),
    (["-lr=1"], r"-lr=1: write lr=1"),
    (["spade"], r"spade: arguments are written KEY=VALUE; did you mean norm=spade or generator=spade or loss=spade or"),
    (["spdae"], r"spdae: arguments are written KEY=VALUE$"),
])
def test_what_is_no_argument(arguments, message):
    with pytest.raises(ConfigError, match=message):
        as_overrides(arguments, TRAIN)


def test_quotes_and_back():
    for name in NAMES:
        assert parsed(f"a={quoted(name)}").value() == name
        assert plain(quoted(name)) == name
    assert plain("runs/a,runs/b") == "runs/a,runs/b"
    assert plain("4") == "4"
    assert shlex.split(shlex.join([quoted("a b")])) == ['"a b"']


@pytest.mark.parametrize("name", ["2024", "1_000", "1e5", "true", "007", ".5"])
def test_a_file_may_be_called_as_a_number_is(name):
    (override,) = as_overrides([f"run={name}"], TRAIN.with_name("synthesize.yaml"))
    assert parsed(override).value() == name
    (override,) = as_overrides(["seed=1_000"], TRAIN)
    assert parsed(override).value() == 1000


def test_null_is_no_name():
    assert as_overrides(["resume=null"], TRAIN) == ["resume=null"]
