"""The command: its words, and a study from two runs to its table."""

import re
import shutil

import hydra.utils
import numpy as np
import pytest
import torch
from commands import ROOT, training
from commands import SMALL as NARROW
from PIL import Image
from raters import let_vote, write_folders

from semsynth import config, runs
from semsynth.commands.preference import main, with_action
from semsynth.errors import ConfigError
from semsynth.preference.sources import draw_runs, folder_files
from semsynth.preference.study import read_study
from semsynth.weights.run_file import save_weights

SMALL = ["preset.pairs=4", "preset.pages=1"]


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    """call(words) -> (exit code, what was printed, errors), in `tmp_path` with folders a, b, real and maps."""
    write_folders(tmp_path)
    monkeypatch.chdir(tmp_path)

    def run(*words):
        code = 0
        try:
            main(list(words))
        except SystemExit as end:
            code = end.code
        return code, *capsys.readouterr()

    return run


def test_the_first_word_says_what_to_do():
    assert with_action(["make", "study=x", "-m"]) == ["action=make", "study=x", "-m"]
    assert with_action(["preset=crn", "make", "--help"]) == ["preset=crn", "--help"]


@pytest.mark.parametrize(("words", "told"), [
    ([], "one of make, serve, analyse says what to do"), (["study=x"], "one of make"),
    (["analyze", "study=x"], "analyze: there is no such word; did you mean analyse"),
    (["make", "serve"], "one of make"), (["serve", "a=x"], "a=: serve makes no use of it, make does"),
    (["analyse", "preset.pairs=3"], "preset=: analyse makes no use of it"),
    (["make", "port=1"], "port=: make makes no use of it, serve does")])
def test_words_that_it_does_not_take(words, told):
    with pytest.raises(ConfigError, match=told):
        with_action(words)


def test_from_folders_to_a_table(call, tmp_path):
    code, out, _ = call("make", "study=s", "a=a", "b=b", "names=[ours,theirs]", "title=Gardens", *SMALL)
    assert (code, out.splitlines()[0]) == (0, "4 pairs on 1 page, 4 each, 20 raters a page")
    assert not list(tmp_path.glob(".s_*"))  # where pictures of runs are drawn
    code, _, err = call("analyse", "study=s")
    assert code == 2
    assert "no votes that count yet" in err
    let_vote(tmp_path / "s", 5, lambda rater, item: 0)
    code, out, _ = call("analyse", "study=s", "output=out", "draws=100")
    assert code == 0
    assert "| ours | theirs | unlimited | 100.0 (83.9 to 100.0) | 20 of 20 | < 0.001 |" in out
    assert (tmp_path / "out" / "analysis.csv").is_file()


def test_sentinels_need_real_pictures(call):
    code, _, err = call("make", "study=s", "a=a", "b=b", "preset=crn", *SMALL, "preset.sentinels=2")
    assert (code, err) == (2, "the layout needs real=DIR, or run directories as a and b\n")
    code, out, _ = call("make", "study=s", "a=a", "b=b", "real=real", "preset=crn", *SMALL, "preset.sentinels=2")
    assert (code, out.splitlines()[0]) == (0, "6 pairs on 1 page, 6 each, any number of raters a page")


@pytest.mark.parametrize(("words", "told"), [
    (["study=s", "a=a"], "b= is missing"), (["a=a", "b=b"], "study= is missing"),
    (["study=a", "a=a", "b=b"], "study=a is there already"), (["study=s", "a=a", "b=none"], "b=none: there is no such"),
    (["study=s", "a=a", "b=b"], "the layout needs 40 pictures, and 12 have one name"),
    (["study=s", "a=a", "b=b", "preset.pairs=0"], "preset: pairs must be"),
    (["study=s", "a=a", "b=b", "preset.pairs=many"], "preset.pairs='many': Plan expects"),
    (["study=s", "a=a", "b=b", "preset.times=250"], "preset.times=250: Plan expects"),
    (["study=s", "a=a", "b=b", "preset.times=[fast]"], "preset.times=.*: Plan expects"),
    (["study=s", "a=a", "b=b", "preset.pages=true"], "preset.pages=True: Plan expects"),
    (["study=s", "a=a", "b=b", "preset.pair=3"], "did you mean preset.pairs"),
    (["study=s", "a=a", "b=b", "preset=amt"], "preset=amt: there is no such choice"),
    (["study=s", "a=a", "b=b", "names=[one]"], "names=.*a list of two names"),
    (["study=s", "a=a", "b=b", "names=[one,one]"], "names=.*both methods have one name.*leave names out"),
    (["study=s", "a=a", "b=b/../a"], "a=a and b=b/../a are one folder")])
def test_what_cannot_be_made_is_told(call, words, told, tmp_path):
    code, _, err = call("make", *words)
    assert code == 2
    assert re.search(told, err), err
    assert not (tmp_path / "s").exists()


def test_methods_are_called_by_what_differs_of_their_folders(call, tmp_path):
    for method in "ab":
        (tmp_path / f"of_{method}").mkdir()
        (tmp_path / method).rename(tmp_path / f"of_{method}" / "pictures")
    code, _, err = call("make", "study=s", "a=of_a/pictures", "b=of_b/pictures", *SMALL)
    assert code == 0, err
    assert read_study(tmp_path / "s").names == {"a": "of_a/pictures", "b": "of_b/pictures", "real": "real"}


def run_of(folder, *words):
    """A run on the scenes as it is before any training."""
    cfg = config.prepare(training(*NARROW, "size=32", "dataset.val_length=12", f"run_dir={folder}", *words))
    runs.save_config(cfg)
    torch.manual_seed(cfg.seed)
    parts = {name: hydra.utils.instantiate(cfg[name], _convert_="all") for name in ("generator", "encoder")}
    save_weights(folder / "checkpoints" / "last.safetensors",
                 {name: part.state_dict() for name, part in parts.items() if part is not None})
    return folder


def test_of_two_runs(call, tmp_path):
    """Both draw the same label maps of their validation split; real pictures and maps come along."""
    first = run_of(tmp_path / "one", "seed=1", "encoder=style", "encoder.nef=4", "encoder.z_dim=4")
    second = run_of(tmp_path / "two", "seed=2", "encoder=none")
    words = ["make", f"a={first}", f"b={second}", "preset=crn_timed", "preset.pairs=3", "preset.pages=1",
             "preset.times=[125]", "preset.sentinels=2", "preset.show_map=true", "device=cpu"]
    code, _, err = call(*words, "study=s")
    assert code == 0, err
    study = read_study(tmp_path / "s")
    drawn = {(item.picture, method): np.asarray(Image.open(tmp_path / "s" / "pictures" / file))
             for item in study.items for method, file in zip(item.methods, item.files, strict=True)}
    assert {picture.shape for picture in drawn.values()} == {(32, 32, 3)}
    assert len({picture.tobytes() for picture in drawn.values()}) == len(drawn)
    assert study.names == {"a": "one", "b": "two", "real": "real"}
    split, colours = runs.validation(runs.Run(first).plain), runs.Run(first).plain["dataset"]["colours"]
    for item in study.items:
        index = int(item.picture)
        real = np.rint((split[index]["image"].numpy().transpose(1, 2, 0) + 1) * 127.5)
        shown = np.asarray(Image.open(tmp_path / "s" / "pictures" / item.map))
        assert (shown == np.asarray(colours)[split[index]["labels"].numpy()]).all()
        if "real" in item.methods:
            assert np.abs(drawn[item.picture, "real"] - real).max() <= 1


def test_styles_of_a_run_without_an_encoder_follow_from_the_seed(tmp_path):
    run = run_of(tmp_path / "run", "generator=oasis", "discriminator=oasis", "loss=oasis", "encoder=none")
    styles = [draw_runs({"a": run}, 1, tmp_path / name, seed=seed)["a"]["00000"].read_bytes()
              for name, seed in (("x", 0), ("y", 0), ("z", 1))]
    assert styles[0] == styles[1] != styles[2]


def test_runs_that_cannot_be_compared(call, tiny_run, tmp_path):
    run, other = run_of(tmp_path / "one"), run_of(tmp_path / "two", "dataset.val.seed=1")
    again = shutil.copytree(run, tmp_path / "again")
    for words, told in (([f"a={run}", "b=b"], "b=b is no run directory, as another is"),
                        ([f"a={run}", f"b={again}", "real=real"], "real=real is no run directory"),
                        ([f"a={run}", f"b={other}", *SMALL], "do not validate on the same label maps"),
                        ([f"a={run}", f"b={again}"], "needs 40 pictures, and a=.*one validates on 12"),
                        ([f"a={run}", f"b={tiny_run()}", *SMALL], "b=.* knows no validation split")):
        code, _, err = call("make", "study=s", "device=cpu", *words)
        assert code == 2
        assert re.search(told, err), err
    assert not (tmp_path / "s").exists()


def test_the_grid_of_synthesize_is_no_picture_of_a_method(tmp_path):
    place = write_folders(tmp_path) / "a"
    (place / "grid").mkdir()
    (place / "0.png").rename(place / "grid" / "grid.png")
    assert sorted(folder_files("a", place)) == sorted(str(index) for index in range(1, 12))


def test_the_script_calls_it():
    assert (ROOT / "tools" / "preference.py").read_text().startswith("from semsynth.commands.preference import main\n")
