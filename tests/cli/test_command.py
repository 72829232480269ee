"""Every end of a command: words and an exit code."""

import os
import signal
import subprocess
import sys

import pytest
from hydra.errors import InstantiationException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from semsynth.cli.command import in_words
from semsynth.errors import DataError, TrainingStopped

SCRIPT = '''"""Does a thing.

    python tool.py a=1
"""
from semsynth.cli import command
from semsynth.errors import DataError

@command("conf/tool.yaml", instead=lambda arguments: "other" in arguments and print("other") is None)
def main(cfg):
    print(f"a is {cfg.a!r}", flush=True)
    if cfg.a == 2:
        raise DataError("two is none")
    if cfg.a == 3:
        raise RuntimeError("a mistake of ours")
    return cfg.a

main()
'''
YAML = '''defaults:
  - norm: x # a group
  - _self_
  - override hydra/job_logging: disabled
a: ??? # a number
hydra:
  output_subdir: null
  run: {dir: .}
  sweep: {dir: sweep}
'''


def test_names_of_files_that_are_no_text_are_printed():
    """Python would refuse to; stderr takes them anyway."""
    lines = "from semsynth.commands.weights import main\nmain(['--help'])\nprint(chr(0xdcff))"
    done = subprocess.run([sys.executable, "-c", lines], capture_output=True, text=True, check=False,
                          env={**os.environ, "PYTHONIOENCODING": "utf-8"})
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, r"\udcff"), done.stderr


def test_ctrl_c_while_a_command_is_imported_has_no_traceback():
    lines = "import semsynth.commands; raise KeyboardInterrupt"
    done = subprocess.run([sys.executable, "-c", lines], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (-signal.SIGINT, "stopped\n")


@pytest.fixture
def tool(tmp_path):
    (tmp_path / "conf" / "norm").mkdir(parents=True)
    (tmp_path / "conf" / "norm" / "x.yaml").write_text("k: 1\n")
    (tmp_path / "conf" / "tool.yaml").write_text(YAML)
    (tmp_path / "tool.py").write_text(SCRIPT)

    def call(*arguments):
        done = subprocess.run([sys.executable, "tool.py", *arguments], capture_output=True, text=True, cwd=tmp_path)
        return done.returncode, done.stdout, done.stderr

    return call


def test_ends(tool, tmp_path):
    assert tool("a=1") == (0, "a is 1\n", "")
    assert tool("a=2") == (2, "a is 2\n", "two is none\n")
    assert tool() == (2, "", "a= is missing: python tool.py a=1\n")
    assert tool("other") == (0, "other\n", "")
    assert tool("--a=1") == (2, "", "--a=1: write a=1, without dashes (--help lists the keys)\n")
    assert tool("norm=y", "a=1") == (2, "", "norm=y: there is no such choice (there are x)\n")
    assert tool("b=1", "a=1") == (2, "", "b: there is no such key (--help lists the keys)\n")
    (tmp_path / "conf" / "norm" / "torn.yaml").write_text("a: [b\nc: {")
    code, _, said = tool("norm=torn", "a=1")
    assert code == 2
    assert said.startswith(f"{tmp_path}/conf/norm/torn.yaml, line 2: it is no YAML (")
    assert tool("norm.kk=1")[2] == "norm.kk: there is no such key; did you mean norm.k or norm?\n"
    assert tool("a=1,2") == (2, "", "a=1,2: several values are a sweep, which takes -m as well (-m a=1,2)\n")


def test_mistakes_of_ours_keep_their_traceback(tool):
    code, _, err = tool("a=3")
    assert code == 1
    assert "Traceback" in err
    assert "RuntimeError: a mistake of ours" in err
    assert "there is no such key" not in err


def test_a_sweep_goes_on_after_a_job_that_is_refused(tool):
    code, out, err = tool("-m", "a=2,1")
    assert code == 1
    assert [line for line in out.splitlines() if "HYDRA" not in line] == ["a is 2", "a is 1"]
    assert err.count("two is none") == 1
    assert "Traceback" not in err
    assert tool("-m", "norm=x,y", "a=1")[:2] == (2, "")


def test_what_a_job_returns_reaches_the_sweeper(tmp_path, monkeypatch):
    """Optuna's reads it there; this one is Hydra's own, asked for the results of its jobs."""
    from hydra._internal.hydra import Hydra

    from semsynth.cli import command

    results = []
    multirun = Hydra.multirun
    monkeypatch.setattr(Hydra, "multirun", lambda *given, **named: results.extend(multirun(*given, **named)))
    (tmp_path / "tool.yaml").write_text(f"a: 1\nhydra: {{output_subdir: null, sweep: {{dir: {tmp_path}}}}}\n")
    monkeypatch.setattr("sys.argv", ["tool.py", "-m", "a=3,4"])
    command(tmp_path / "tool.yaml")(lambda cfg: cfg.a / 2)()
    assert [job.return_value for batch in results for job in batch] == [1.5, 2.0]


def test_words():
    assert in_words(TrainingStopped("enough")) == "enough"
    assert in_words(ValueError("a mistake")) is None
    caused = InstantiationException("Error in call to target")
    caused.__cause__ = DataError("x.png: broken")
    assert in_words(caused) == "x.png: broken"
    worker = DataError("Caught DataError in DataLoader worker process 0.\nOriginal Traceback (most recent call last):\n"
                       "  File ...\nsemsynth.data.errors.DataError: x.png: broken\n")
    assert in_words(worker) == "x.png: broken"


@pytest.mark.parametrize(("value", "words"), [
    ("${nowhere}", "a: Interpolation key 'nowhere' not found"),
    ("${no:where}", "a: Unsupported interpolation type no"),
])
def test_a_value_that_refers_to_nothing_is_named(value, words):
    with pytest.raises(OmegaConfBaseException) as fault:
        OmegaConf.to_container(OmegaConf.create({"a": value}), resolve=True)
    assert in_words(fault.value) == words


def test_what_a_trainer_starts_again_is_how_the_process_was_started(tmp_path, monkeypatch):
    """Lightning starts its other processes with `sys.argv`: with the command's name, and as nothing was read yet."""
    from semsynth.cli import command

    (tmp_path / "tool.yaml").write_text("a: 1\nhydra: {output_subdir: null, run: {dir: .}}\n")
    started, seen = ["/bin/semsynth", "tool", "a=~/b (1)"], []
    monkeypatch.setattr("sys.argv", list(started))
    command(tmp_path / "tool.yaml")(lambda cfg: seen.append((cfg.a, list(sys.argv))))(started[2:])
    (value, argv), = seen
    assert value.endswith("/b (1)")
    assert argv == sys.argv == started
