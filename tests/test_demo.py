"""python demo.py: which run, its recipes, and what it says where it cannot start."""

import os
import shlex
import socket
from dataclasses import replace
from pathlib import Path
from threading import current_thread
from types import SimpleNamespace

import numpy as np
import pytest
import yaml
from asking import client, painted, picture, send, studio
from commands import composed
from PIL import Image

from semsynth.cli.typed import as_overrides
from semsynth.commands import demo, synthesize
from semsynth.errors import ConfigError, DataError, StyleError
from semsynth.shipped import CONF

FILES = {"map": "map-1.png", "picture": "picture-1.png"}
PHOTOGRAPH = np.random.default_rng(0).integers(0, 256, (24, 24, 3)).astype(np.uint8)


@pytest.fixture(scope="module")
def run(tiny_run):
    return tiny_run(z_dim=3)


def redrawn(text, folder):
    """What the recipe's own command line draws, from the files that lie in a folder."""
    _, command, *_ = text.splitlines()
    words = shlex.split(command.removeprefix("#   python synthesize.py "))
    places = {"input": FILES["map"], "redraw": "recipe-1.yaml", "output": "picture-1"}
    words = [f"{key}={folder / value}" if (key := word.split("=")[0]) in places and (value := word.split("=")[1])
             else word for word in words]
    assert {word for word in words if word.startswith(tuple(places))} == {
        f"{key}={folder / name}" for key, name in places.items()}
    synthesize.draw(composed("synthesize", *words))
    return np.asarray(Image.open(folder / "picture-1" / "map-1.png"))


@pytest.mark.parametrize("kind", ["seed", "photograph", "mixed", "none", "instance"])
def test_a_recipe_draws_the_same_picture(kind, run, tiny_run, tmp_path):
    """To the bit, from what the page saves: map, recipe, and the command in it."""
    run = tiny_run() if kind == "none" else tiny_run(norm="inade") if kind == "instance" else run
    page, labels = client(studio(run)), painted()
    labels[3:9, 4:20] = 2
    style = {"none": None, "seed": {"seed": 7}}.get(kind)
    if kind in ("photograph", "mixed"):
        Image.fromarray(PHOTOGRAPH).save(tmp_path / "photo.png")
        content = labels.tobytes() + (tmp_path / "photo.png").read_bytes()
        style = send(page, "style", {"page": "a", "turn": 1, "network": 0}, content).json()
    if kind == "instance":
        labels[3:9, 22:30] = 2
        style = {"base": {"seed": 7}, "instances": [{"at": [4, 23], "class": 2, "style": {"seed": 8}}]}
    if kind == "mixed":
        style = {"between": [style, {"seed": 5}], "share": 0.3}
    drawn = picture(send(page, "draw", {"page": "a", "turn": 1, "network": 0, "style": style}, labels.tobytes()))
    text = send(page, "recipe", {"network": 0, "style": style, "files": FILES}).text
    (tmp_path / "recipe-1.yaml").write_text(text)
    image = Image.fromarray(labels)
    image.putpalette([value for colour in page.get("/api/description").json()["classes"] for value in colour["colour"]])
    image.save(tmp_path / "map-1.png")
    assert np.array_equal(redrawn(text, tmp_path), drawn)
    if kind == "seed":  # as without a recipe
        synthesize.draw(composed("synthesize", f"run={run}", f"input={tmp_path / 'map-1.png'}",
                                 f"output={tmp_path / 'other'}", "seed=7"))
        assert np.array_equal(np.asarray(Image.open(tmp_path / "other" / "map-1.png")), drawn)


def saved(run, folder, **changes):
    text = send(client(studio(run)), "recipe", {"network": 0, "style": {"seed": 7}, "files": FILES}).text
    (folder / "recipe-1.yaml").write_text(yaml.safe_dump(yaml.safe_load(text) | changes))
    Image.fromarray(painted()).save(folder / "map-1.png")
    return [f"input={folder / 'map-1.png'}", f"output={folder / 'out'}", f"redraw={folder / 'recipe-1.yaml'}"]


def test_other_weights_are_told(run, tmp_path, capsys):
    words = saved(run, tmp_path, checkpoint="0" * 64)
    synthesize.draw(composed("synthesize", f"run={run}", *words))
    assert "other weights" in capsys.readouterr().out


@pytest.mark.parametrize(("more", "changes", "told"), [
    (["seed=3"], {}, "leave seed= out"), (["samples=2", "interpolate=3"], {}, "samples= and interpolate="),
    ([], {"version": 2}, r"recipe-1\.yaml: the recipe has version 2"), ([], {"version": 0}, r"yaml: this is no recipe"),
    ([], {"style": {"seed": -1}}, r"redraw=.*recipe-1\.yaml: style: seed"),
    ([], {"style": {"base": {"seed": 1}, "classes": {"2": {"seed": 3}}}},
     r"recipe-1\.yaml was saved by a run with styles by class, and this one has a style for the whole picture"),
])
def test_recipes_that_cannot_be_followed(more, changes, told, run, tmp_path):
    with pytest.raises((StyleError, DataError), match=told):
        synthesize.draw(composed("synthesize", f"run={run}", *saved(run, tmp_path, **changes), *more))


def test_a_recipe_of_another_kind_of_run(run, tiny_run, tmp_path):
    with pytest.raises(StyleError, match=r"recipe-1\.yaml has a style, but this run has none"):
        synthesize.draw(composed("synthesize", f"run={tiny_run()}", *saved(run, tmp_path)))


def test_a_recipe_of_instances_fits_its_map(tiny_run, tmp_path):
    run = tiny_run(norm="inade")
    style = {"base": {"seed": 7}, "instances": [{"at": [4, 23], "class": 2, "style": {"seed": 8}}]}
    words = [f"run={run}", *saved(run, tmp_path, style=style)]
    with pytest.raises(StyleError, match=r"map-1\.png: instances: the label map has class 0 at \[4,23\]"):
        synthesize.draw(composed("synthesize", *words))
    with pytest.raises(StyleError, match=r"recipe-1\.yaml says which .* leave instances= out"):
        synthesize.draw(composed("synthesize", *words, f"instances={tmp_path / 'map-1.png'}"))
    with pytest.raises(StyleError, match=r"recipe-1\.yaml was saved by a run with styles by class"):
        synthesize.draw(composed("synthesize", f"run={tiny_run(z_dim=3)}", *words[1:]))


@pytest.mark.parametrize("files", [None, {}, {"map": "a"}, {"map": "a\nb", "picture": "b"}, {"map": "", "picture": "b"},
                                   {"map": "a", "picture": 100 * "b"}, {"map": ["a"], "picture": "b"}])
def test_names_of_files_in_recipes(files, run):
    answer = send(client(studio(run)), "recipe", {"network": 0, "style": {"seed": 1}, "files": files})
    assert answer.status_code == 400


def test_a_recipe_is_written_by_the_worker(run):
    """Where it stops no other request."""
    threads = []
    made = replace(studio(run), recipe=lambda *_: threads.append(current_thread().name) or "text")
    assert send(client(made), "recipe", {"network": 0, "style": {"seed": 1}, "files": FILES}).text == "text"
    assert threads[0].startswith("model")


def test_names_in_recipes_are_quoted_for_the_shell(run):
    names = {"map": "map; rm -rf ~.png", "picture": "$(x).png"}
    text = send(client(studio(run)), "recipe", {"network": 0, "style": {"seed": 1}, "files": names}).text
    words = shlex.split(text.splitlines()[1])
    assert {'input="map; rm -rf ~.png"', 'output="$(x)"'} <= {*words}


@pytest.mark.parametrize("name", ["lr=2,wd=0 (1)", "[a]{b}", "it's \"so\"\\", "größe 数 $HOME ${run}", "plain"])
def test_runs_of_any_name_are_found_by_the_command_of_a_recipe(name):
    cfg = composed("demo", "threads=2", "checkpoint='a=1.ckpt'")
    text = demo.redrawing(cfg, Path("/runs") / name, (32, 64), {"map": "map, 1.png", "picture": "picture (1).png"})
    words = shlex.split(text)[2:]
    for arguments in (words, as_overrides(words, CONF / "synthesize.yaml")):
        read = composed("synthesize", *arguments)
        assert [read.run, read.input, read.output, read.redraw, read.size, read.threads, read.checkpoint] == [
            f"/runs/{name}", "map, 1.png", "picture (1)", "recipe (1).yaml", [32, 64], 2, "a=1.ckpt"]


def test_the_newest_run_is_taken(tmp_path):
    with pytest.raises(ConfigError, match="make train"):
        demo.newest_run(tmp_path / "runs")
    for age, name in enumerate(("new", "old", "older")):
        file = tmp_path / "runs" / name / "checkpoints" / "last.ckpt"
        file.parent.mkdir(parents=True)
        file.touch()
        os.utime(file, (1e9 - age, 1e9 - age))
        (tmp_path / "runs" / name / "config.yaml").touch()
    (tmp_path / "runs" / "new" / "config.yaml").unlink()  # another's folder
    assert demo.newest_run(tmp_path / "runs").name == "old"


def test_two_runs_draw_the_same_map(run, tiny_run):
    other = tiny_run(norm="spade", z_dim=3)
    page = client(studio(run, compare=other))
    assert [network["name"] for network in page.get("/api/description").json()["networks"]] == [run.name, other.name]
    pictures = [picture(send(page, "draw", {"page": "a", "turn": 1, "network": k, "style": {"seed": 1}},
                             painted().tobytes())) for k in (0, 1)]
    assert not np.array_equal(*pictures)


def test_two_runs_that_do_not_go_together(run, tiny_run):
    with pytest.raises(ConfigError, match="64x64"):
        studio(run, compare=tiny_run(size=(64, 64), z_dim=3))
    other = tiny_run(z_dim=3)
    text = (other / "config.yaml").read_text()
    (other / "config.yaml").write_text(text.replace("- cloud", "- fog"))
    with pytest.raises(ConfigError, match="classes are not those"):
        studio(run, compare=other)


def test_sizes(run, tiny_run):
    free = studio(tiny_run(), "size=[64,32]")
    free.painters[0].check_size()
    assert (free.description["width"], free.description["height"]) == (32, 64)
    with pytest.raises(ConfigError, match=r"size=\[64, 32\]: .*32x32 images only[^=]*: leave size= out$"):
        studio(run, "size=[64,32]").painters[0].check_size()


def test_a_port_that_is_taken(run, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(ConfigError, match="take another port"):
        demo.paint(composed("demo", f"run={run}", f"port={taken.getsockname()[1]}"))


def test_without_the_server_packages(run, monkeypatch):
    monkeypatch.setattr(demo, "find_spec", lambda name: None if name == "uvicorn" else SimpleNamespace())
    with pytest.raises(ConfigError, match=r"semsynth\[demo\]"):
        demo.paint(composed("demo", f"run={run}"))
