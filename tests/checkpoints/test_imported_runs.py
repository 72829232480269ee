"""Runs made from released checkpoints are scored, drawn with and trained from like any run."""

import json
from types import SimpleNamespace

import numpy as np
import official
import pytest
import torch
from commands import composed
from importing import import_run, save, training_from
from official import Model
from omegaconf import OmegaConf
from PIL import Image
from torch.testing import assert_close

from semsynth import config, runs
from semsynth.commands import evaluate as scoring
from semsynth.commands.synthesize import draw
from semsynth.errors import EvaluationError
from semsynth.evaluation.sampler import Sampler
from semsynth.metrics.real import chosen
from semsynth.segmenters.judge import save_judge
from semsynth.segmenters.unet import UNet
from semsynth.semantics import Semantics
from semsynth.semantics.batch import semantics_from_batch
from semsynth.semantics.icpe import icpe_offsets
from semsynth.training import launch

SIZE, COUNT, STYLE = 64, 4, 4
MODELS = {
    "spade": Model("spade", 12, size=(SIZE, SIZE)),
    "spade_vae": Model("spade", 12, size=(SIZE, SIZE), z_dim=STYLE),  # released without its encoder
    "clade_edges": Model("clade", 12, edges=True, size=(SIZE, SIZE)),
    "icpe_vae_edges": Model("icpe", 12, edges=True, size=(SIZE, SIZE), z_dim=STYLE),  # with everything
}


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    """imported(name) -> what was released (model and state dicts), and the run that was made of it."""
    known = {}

    def make(name):
        if name not in known:
            m, folder = MODELS[name], tmp_path_factory.mktemp(name)
            states = {"generator": official.generator_state(m)}
            if name == "icpe_vae_edges":
                states |= {"discriminator": official.discriminator_state(m.num_classes + m.edges + 3),
                           "encoder": official.encoder_state(z_dim=m.z_dim)}
            import_run(save(folder / "released", **states), folder / "run", "dataset=scenes", f"size={SIZE}",
                       f"dataset.instances={m.edges}".lower(), "dataset.train_length=4", f"dataset.val_length={COUNT}")
            known[name] = SimpleNamespace(model=m, states=states, run=folder / "run", files=folder / "released")
        return known[name]

    return make


def as_released(given, sem, z=None):
    """The images of the released network, by the plain forward pass."""
    return official.generate(given.states["generator"], given.model, sem.labels, sem.edges, sem.offsets, z)


def scenes(run):
    """The scenes that a run is scored on: a batch, and what networks are conditioned on."""
    data = config.built(OmegaConf.to_container(runs.Run(run).config.dataset.val, resolve=True))
    batch = torch.utils.data.default_collate([data[k] for k in range(COUNT)])
    return batch, semantics_from_batch(batch, 12)


@pytest.fixture(scope="module")
def judge(tmp_path_factory):
    path, arguments = tmp_path_factory.mktemp("judges") / "tiny.safetensors", {"num_classes": 12, "widths": [4, 6]}
    torch.manual_seed(2)
    save_judge(path, UNet(**arguments), arguments, name="tiny", classes=list(composed("train").dataset.classes))
    return path


def evaluate(run, *overrides):
    scoring.evaluate(composed("evaluate", f"run={run}", f"protocol.count={COUNT}", f"protocol.train_count={COUNT}",
                               "protocol.diversity_maps=2", "protocol.diversity_samples=2", "batch=3", "device=cpu",
                               *overrides))
    return json.loads((run / "scores.json").read_text())


@pytest.mark.parametrize("name", ["spade", "clade_edges", "icpe_vae_edges"])
def test_an_imported_run_is_scored_on_the_images_of_the_released_network(name, imported, judge, monkeypatch, tmp_path):
    monkeypatch.setenv("SEMSYNTH_CACHE", str(tmp_path))
    given, seen, draw = imported(name), [], Sampler.draw
    monkeypatch.setattr(Sampler, "draw", lambda *arguments: seen.append(draw(*arguments)) or seen[-1])
    found = evaluate(given.run, "segmenter=trained", f"segmenter.path={judge}", "wanted=[miou,accuracy,frechet]")
    protocol, z_dim = found["protocol"], given.model.z_dim
    assert (protocol["checkpoint"]["file"], protocol["weights"]) == ("last.safetensors", "raw")
    assert (protocol["generated"], protocol["size"], protocol["style"]) == (COUNT, [SIZE, SIZE],
                                                                            "image" if z_dim else None)
    assert {"frechet/tiny", "frechet/tiny/train", "miou", "accuracy"} <= set(found["scores"])
    batch, sem = scenes(given.run)
    z = official.encode(given.states["encoder"], batch["image"])[0] if z_dim else None
    assert_close(torch.cat(seen), as_released(given, sem, z)[list(chosen(COUNT, COUNT))], atol=1e-4, rtol=0)


def test_styles_of_photographs_need_an_encoder(imported, judge, monkeypatch, tmp_path):
    monkeypatch.setenv("SEMSYNTH_CACHE", str(tmp_path))
    run, words = imported("spade_vae").run, ["segmenter=trained", f"segmenter.path={judge}", "wanted=[miou,diversity]"]
    with pytest.raises(EvaluationError, match=r"needs a run with a style encoder: take protocol\.style=normal"):
        evaluate(run, *words)
    found = evaluate(run, *words, "protocol.style=normal")
    assert {"miou", "diversity/tiny"} <= set(found["scores"])
    assert found["protocol"]["style"] == "normal"


def drawn(run, folder, *overrides):
    """The pictures that synthesize.py makes of a label map of scenes, by name, and what it says of that map."""
    rng = np.random.default_rng(0)
    blocks = rng.integers(0, 12, (2, SIZE // 8, SIZE // 8)).astype(np.uint8)
    labels, things = blocks.repeat(8, 1).repeat(8, 2)
    for name, values in (("map", labels), ("things", things)):
        (folder / name).mkdir()
        Image.fromarray(values).save(folder / name / "a.png")
    draw(composed("synthesize", f"run={run}", f"input={folder}/map", f"output={folder}/out", "device=cpu",
                             f"instances={folder}/things", *overrides))
    padded = np.pad(things, 1, mode="edge")
    edges = np.zeros(labels.shape, bool)
    for moved in (padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:]):
        edges |= moved != things
    offsets = icpe_offsets(labels, skip_label=0)  # as the released code makes them
    sem = Semantics(torch.from_numpy(labels).long()[None], 12, torch.from_numpy(edges).float()[None, None],
                    torch.from_numpy(offsets)[None])
    return {path.stem: np.asarray(Image.open(path)) for path in sorted((folder / "out").glob("a*.png"))}, sem


def same_picture(picture, image):
    wanted = ((image.permute(1, 2, 0).numpy() + 1) * 127.5).round()
    return np.abs(picture - wanted).max() <= 1


@pytest.mark.parametrize("name", ["spade", "clade_edges"])
def test_an_imported_run_draws_the_pictures_of_the_released_network(name, imported, tmp_path):
    given = imported(name)
    pictures, sem = drawn(given.run, tmp_path)
    assert list(pictures) == ["a"]
    assert same_picture(pictures["a"], as_released(given, sem)[0])


def test_an_imported_run_draws_in_the_style_of_a_photograph(imported, tmp_path):
    given = imported("icpe_vae_edges")
    photo = np.random.default_rng(1).integers(0, 256, (SIZE, SIZE, 3)).astype(np.uint8)
    Image.fromarray(photo).save(tmp_path / "photo.png")
    pictures, sem = drawn(given.run, tmp_path, f"style={tmp_path}/photo.png")
    image = torch.from_numpy(photo).permute(2, 0, 1)[None] / 127.5 - 1
    z = official.encode(given.states["encoder"], image)[0]
    assert list(pictures) == ["a"]
    assert same_picture(pictures["a"], as_released(given, sem, z)[0])


def test_styles_are_drawn_where_the_encoder_was_not_released(imported, tmp_path):
    pictures, _ = drawn(imported("spade_vae").run, tmp_path, "samples=2", "seed=1")
    assert list(pictures) == ["a_01", "a_02"]
    assert (pictures["a_01"] != pictures["a_02"]).any()


def trained(run, output, monkeypatch, *overrides):
    """Train as train.py does; the system, and its state when the training began."""
    seen = SimpleNamespace()
    fit = launch.fit

    def watched(trainer, system, data, *others):
        seen.system, seen.start = system, {key: value.clone() for key, value in system.state_dict().items()}
        fit(trainer, system, data, *others)

    monkeypatch.setattr(launch, "fit", watched)
    runs.train(training_from(run, f"run_dir={output}", "scores=none", *overrides), None)
    return seen


def part(state, name):
    return {key.removeprefix(f"{name}."): value for key, value in state.items() if key.startswith(f"{name}.")}


def test_a_training_starts_from_all_that_was_released(imported, tmp_path, monkeypatch, capsys):
    given, output = imported("icpe_vae_edges"), tmp_path / "new"
    seen = trained(given.run, output, monkeypatch)
    said = capsys.readouterr().out
    for name in ("generator", "discriminator", "encoder"):
        begun, saved = part(seen.start, name), runs.Run(given.run).saved.part(name)
        assert begun.keys() == saved.keys()
        assert all(torch.equal(begun[key], value) for key, value in saved.items()), name
        assert f"{name}: from {given.run}" in said
    moved = {key for key, value in seen.system.named_parameters() if not torch.equal(value, seen.start[key])}
    assert {key.split(".")[0] for key in moved} == {"generator", "discriminator", "encoder"}
    cfg = runs.Run(output).config
    assert (cfg.init_from, cfg.icpe.published, list(cfg.size)) == (str(given.run), True, [SIZE, SIZE])
    assert "import" not in cfg
    # the moving average started from there, too
    averaged = runs.Run(output, "last.ckpt").saved.part("generator", "ema")
    key = "blocks.head_0.norm_0.gamma"
    assert 0 < (averaged[key] - seen.start[f"generator.{key}"]).abs().max() < 0.05


def test_a_training_begins_with_the_images_of_the_released_network(imported, tmp_path, monkeypatch):
    given = imported("spade")
    seen = trained(given.run, tmp_path / "new", monkeypatch)
    seen.system.load_state_dict(seen.start)
    (_, sem), generator = scenes(given.run), seen.system.generator.eval()
    with torch.no_grad():
        images = generator(generator.prepare(sem))
    assert_close(images, as_released(given, sem), atol=1e-4, rtol=0)
