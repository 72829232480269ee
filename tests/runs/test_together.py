"""Two processes do what one does: the same files to the last digit, each written once, in one voice.

They are forks of this process, as is the one alone; what torchrun tells its processes is made up here.
"""

import contextlib
import io
import json
import os
import re
import socket
import sys
import traceback
from pathlib import Path

import numpy as np
import pytest
import torch
from commands import load
from PIL import Image

from semsynth.commands import check_data, evaluate, synthesize
from semsynth.data import check
from semsynth.evaluation import sources  # noqa: F401  # once, and not in each fork
from semsynth.evaluation.sampler import Sampler
from semsynth.runs.together import name_first_of_slurm
from semsynth.segmenters.judge import save_judge
from semsynth.segmenters.unet import UNet

WORLDS = {"one": [{}], "two": [{"RANK": r, "LOCAL_RANK": r, "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"} for r in "01"]}
COMMANDS = ("scores", "unpaired", "classes", "memory", "pictures", "the rest", "data")
MAPS = 5
FEW = ["protocol.count=9", "protocol.train_count=9", "protocol.diversity_maps=3", "protocol.diversity_samples=2",
       "protocol.accumulate=per_image", "batch=2", "device=cpu", "features=[segmenter,pixels]"]


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """What each process of each world has answered to all questions, and the folder of each world."""
    inputs = tmp_path_factory.mktemp("inputs")
    make_inputs(inputs)
    folders = {world: tmp_path_factory.mktemp(world) for world in WORLDS}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free.getsockname()[1])}
    children = [start(inputs, folders[world], environment and {**environment, **place})
                for world, environments in WORLDS.items() for environment in environments]
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0, 0, 0]
    return folders, {world: [json.loads((folder / f"{rank}.json").read_text()) for rank in range(len(WORLDS[world]))]
                     for world, folder in folders.items()}


def make_inputs(folder):
    """A run with styles, an unpaired one, a judge, label maps, broken ones, and a data set with a fault."""
    of_evaluations = load("tests/evaluation/test_evaluate.py")
    of_evaluations.make_run(folder / "run")
    of_evaluations.make_run(folder / "unpaired", "system=unpaired", "loss=unpaired", "discriminator=patchgan_image",
                            "dataset.unpaired=shuffled", "encoder=none", "system.segmenter.network.widths=[4,6]")
    of_evaluations.make_run(folder / "classes", "generator=oasis", "norm=clade_noise", "encoder=none",
                            "generator.noise_per=class", "size=32")
    classes = list(of_evaluations.composed("train").dataset.classes)
    torch.manual_seed(2)
    arguments = {"num_classes": len(classes), "widths": [4, 6]}
    save_judge(folder / "judge.safetensors", UNet(**arguments), arguments, name="tiny", classes=classes)
    rng = np.random.default_rng(0)
    for part in ("maps", "broken"):
        (folder / part).mkdir()
        for index in range(MAPS):
            Image.fromarray(rng.integers(0, 4, (16, 16)).astype(np.uint8)).save(folder / part / f"{index}.png")
    Image.fromarray(np.full((16, 16), 200, np.uint8)).save(folder / "broken" / "3.png")
    load("tests/data/fixtures.py").make("camvid", folder / "camvid")
    next((folder / "camvid" / "train").glob("*")).write_text("x")


@pytest.mark.ddp
@pytest.mark.parametrize("name", ["scores", "unpaired", "classes", "memory"])
def test_scores_are_equal_to_the_last_digit(answers, name):
    folders, _ = answers
    one, two = (json.loads((folder / f"{name}.json").read_text()) for folder in folders.values())
    assert one["scores"]
    assert {**two, "seconds": 0} == {**one, "seconds": 0}


@pytest.mark.ddp
def test_statistics_of_real_images_are_equal_to_the_last_digit(answers):
    folders, _ = answers
    one, two = ({path.name: dict(np.load(path)) for path in (folder / "cache" / "statistics").iterdir()}
                for folder in folders.values())
    assert one.keys() == two.keys()
    for name, arrays in one.items():
        for key, array in arrays.items():
            np.testing.assert_array_equal(two[name][key], array, strict=True)


@pytest.mark.ddp
def test_pictures_are_equal_and_what_is_there_stays(answers):
    folders, said = answers
    assert said["two"][0]["drawn"] == said["one"][0]["drawn"] == pictures(folders["two"] / "out")
    assert len(said["one"][0]["drawn"]) == 2 * MAPS + 1
    for world in said.values():
        assert sorted(name for process in world for name in process["the rest"]["written"]) == [
            "out/1_01.png", "out/1_02.png", "out/2_01.png", "out/2_02.png", "out/grid/grid.png"]
        assert "6 of 10 pictures were there already" in world[0]["the rest"]["out"]


@pytest.mark.ddp
def test_work_is_shared_and_every_file_is_written_once(answers):
    _, said = answers
    (one,), two = said.values()
    for name in COMMANDS:
        assert sorted(two[0][name]["written"] + two[1][name]["written"]) == one[name]["written"], name
    assert two[1]["pictures"]["written"] == [f"out/{index}_0{style}.png" for index in (1, 3) for style in (1, 2)]
    assert [process["drawn batches"] for process in (one, *two)] == [[2, 2, 2, 2, 1], [2, 2, 1], [2, 2]]


@pytest.mark.ddp
def test_the_first_process_alone_speaks(answers):
    _, said = answers
    (one,), two = said.values()
    for name in COMMANDS:
        assert two[0][name]["out"] == one[name]["out"], name
        assert (two[1][name]["out"], two[1][name]["err"]) == ("", ""), name
        assert [process[name]["code"] for process in two] == [one[name]["code"]] * 2, name
    assert one["data"]["code"] == 1


@pytest.mark.ddp
def test_an_error_is_told_once_by_the_process_that_has_it(answers):
    _, said = answers
    (one,), two = said.values()
    for name, words, speaker in (("a broken map", "3.png: label id 200", 1), ("no such score", "wanted=beauty", 0)):
        assert [process[name]["err"].count(words) for process in two] == [int(rank == speaker) for rank in (0, 1)]
        assert [process[name]["code"] for process in (one, *two)] == [2, 2, 2]
    assert "the processes do not do the same" in two[0]["not the same"]["err"]
    assert two[1]["not the same"]["err"] == ""
    assert [process["not the same"]["code"] for process in two] == [2, 2]


STEP = {"SLURM_JOB_ID": "77", "SLURM_STEP_ID": "3", "SLURM_STEP_NODELIST": "node[2,4-5]"}


def test_tasks_of_slurm_meet_on_the_first_node_of_their_step(monkeypatch):
    monkeypatch.setattr(os, "environ", {**STEP})
    name_first_of_slurm()
    assert (os.environ["MASTER_ADDR"], os.environ["MASTER_PORT"]) == ("node2", "15773")


# ---- the processes


def start(inputs, folder, environment):
    """Fork a process that answers the questions."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.environ.update(environment)
            os.environ["SEMSYNTH_CACHE"] = str(folder / "cache")
            torch.set_num_threads(1)
            found = ask(inputs, folder)
            (folder / f"{environment.get('RANK', 0)}.json").write_text(json.dumps(found))
            if torch.distributed.is_initialized():
                torch.distributed.destroy_process_group()
            code = 0
        except BaseException:
            traceback.print_exc()
        sys.stderr.flush()
        os._exit(code)
    return child


def ask(inputs, folder):
    """Give all commands, one after the other."""
    found, written = {}, []
    sys.addaudithook(lambda event, arguments: written.append(str(arguments[0])) if event == "open" and str(
        arguments[0]).startswith(str(folder)) and set(str(arguments[1])) & set("wax+") else None)

    def call(name, command, *words):
        written.clear()
        out, err, code = io.StringIO(), io.StringIO(), 0
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                command.main([str(word) for word in words])
            except SystemExit as end:
                code = end.code
        files = [str(Path(path).relative_to(folder)).rpartition(".")[0].rpartition(".")[0] for path in written]
        told = re.sub(r"\d:\d\d:\d\d", "", out.getvalue().replace(str(folder), ""))  # without times
        found[name] = {"out": told, "err": err.getvalue(), "code": code, "written": sorted(files)}

    judge = f"segmenter={inputs}/judge.safetensors"
    with drawn_batches() as found["drawn batches"]:
        call("scores", evaluate, f"run={inputs}/run", judge, *FEW, f"output={folder}/scores.json")
    call("classes", evaluate, f"run={inputs}/classes", judge, *FEW, "protocol.style=normal",
         f"output={folder}/classes.json", "wanted=[mcsd,mocd]")
    call("unpaired", evaluate, f"run={inputs}/unpaired", *FEW, "wanted=[segmenter]", f"output={folder}/unpaired.json")
    with drawn_batches(most=2):
        call("memory", evaluate, f"run={inputs}/run", *FEW, "batch=8", "features=[pixels]", "wanted=[frechet]",
             f"output={folder}/memory.json")
    draw = (synthesize, f"run={inputs}/run", f"input={inputs}/maps", f"output={folder}/out", "samples=2", "device=cpu")
    call("pictures", *draw)
    rank = int(os.environ.get("RANK", "0"))
    if rank == 0:  # the other one waits for it in the next command
        found["drawn"] = pictures(folder / "out")
        for name in ("1_02", "2_01"):
            (folder / "out" / f"{name}.png").unlink()
    call("the rest", *draw)
    call("a broken map", synthesize, f"run={inputs}/run", f"input={inputs}/broken", f"output={folder}/none")
    call("no such score", evaluate, f"run={inputs}/run", "wanted=[beauty]")
    check.PIECE = 1
    call("data", check_data, "dataset=camvid", f"dataset.root={inputs}/camvid")
    call("not the same", synthesize, f"run={inputs}/run", f"input={inputs}/maps{rank * '/0.png'}",
         f"output={folder}/none")
    return found


def pictures(folder):
    return {str(path.relative_to(folder)): path.read_bytes().hex() for path in folder.rglob("*.png")}


@contextlib.contextmanager
def drawn_batches(most=9):
    """The sizes of the batches that this process draws; those of more samples find no memory."""
    draw, sizes = Sampler.draw, []

    def noted(self, batch, positions):
        if len(positions) > most:
            raise torch.OutOfMemoryError("too much")
        sizes.append(len(positions))
        return draw(self, batch, positions)

    Sampler.draw = noted
    try:
        yield sizes
    finally:
        Sampler.draw = draw
