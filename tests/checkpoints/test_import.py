"""Released layouts become runs that draw the same images as a plain forward pass written from the formulas."""

import subprocess
import sys

import hydra.utils
import official
import pytest
import torch
from commands import ROOT
from importing import import_run, save
from official import Model
from torch.testing import assert_close

from semsynth import runs
from semsynth.semantics import Semantics
from semsynth.style import Style

DATA_SETS = {
    "ade20k": {"num_classes": 151, "edges": False, "size": (64, 64), "upsamplings": 5},
    "coco_stuff": {"num_classes": 183, "edges": True, "size": (64, 64), "upsamplings": 5},
    "cityscapes": {"num_classes": 35, "edges": True, "size": (64, 128), "upsamplings": 6},
}
NORMS = {"spade": "SPADE", "clade": "CLADE", "icpe": "CLADE_ICPE"}


def condition(m, n=2):
    """Label maps with regions, a few pixels of every class, edges and offsets."""
    labels = torch.randint(0, m.num_classes, (n, m.size[0] // 8, m.size[1] // 8))
    labels = labels.repeat_interleave(8, 1).repeat_interleave(8, 2)
    labels[:, :2] = torch.randint(0, m.num_classes, labels[:, :2].shape)
    return labels, (torch.rand(n, 1, *m.size) > 0.7).float(), torch.rand(n, 2, *m.size) * 2 - 1


def both(m, state, run):
    """Images of the plain forward pass and of the run, loaded as any run is."""
    labels, edges, offsets = condition(m)
    z = torch.randn(len(labels), m.z_dim) if m.z_dim else None
    kept = runs.Run(run)
    generator, cfg = kept.generator, kept.config
    sem = generator.prepare(Semantics(labels, m.num_classes, edges if cfg.dataset.edges else None,
                    offsets if cfg.icpe.enabled else None))
    with torch.no_grad():
        ours = generator(sem, None if z is None else Style(vector=z))
    theirs = official.generate(state, m, labels, edges, offsets, z)
    assert 0.05 < theirs.std() < 0.95, "an image that says something"
    return ours, theirs, cfg


@pytest.mark.parametrize("z_dim", [0, 8], ids=["plain", "vae"])
@pytest.mark.parametrize("data", DATA_SETS)
@pytest.mark.parametrize("norm", NORMS)
def test_a_released_model_draws_the_same_image(norm, data, z_dim, tmp_path):
    m = Model(norm, **DATA_SETS[data], z_dim=z_dim)
    state = official.generator_state(m)
    lines = import_run(save(tmp_path / "model", generator=state), tmp_path / "run", f"size=[{m.size[0]},{m.size[1]}]")
    ours, theirs, cfg = both(m, state, tmp_path / "run")
    assert_close(ours, theirs, atol=1e-4, rtol=0)
    assert (cfg.dataset.name, cfg.dataset.num_classes, cfg.dataset.edges) == (data, m.num_classes, m.edges)
    assert cfg.norm["_target_"].endswith(f".{NORMS[norm]}")
    assert (cfg.generator.ngf, cfg.generator.z_dim, cfg.generator.upsamplings) == (1, z_dim, m.upsamplings)
    assert any(data in line and "which alone has" in line for line in lines)
    assert cfg.icpe.published is (norm == "icpe")


@pytest.mark.parametrize(
    ("settings", "overrides"),
    [
        ({"upsamplings": 7, "size": (128, 128), "ngf": 2}, ["size=[128,128]"]),
        ({"upsamplings": 7, "size": (128, 256), "ngf": 2, "norm": "icpe", "edges": True, "z_dim": 4},
         ["size=[128,256]"]),
        ({"upsamplings": 6, "size": (64, 64)}, ["size=64", "upsamplings=6"]),
        ({"upsamplings": 6, "size": (64, 64), "z_dim": 3}, ["size=64"]),  # the start grid says 6
        ({"edges": True}, ["size=64", "edges=true"]),
        ({"ngf": 3, "hidden": 12, "kernel_size": 5}, ["size=64"]),
        ({"instance": True, "norm": "clade", "num_classes": 2}, ["size=[64,64]"]),
        ({"norm": "clade", "num_classes": 12}, ["dataset=scenes"]),
        ({"num_classes": 13, "edges": True}, ["size=64", "edges=true"]),
        ({"num_classes": 12, "edges": True}, ["dataset=scenes"]),  # one channel more than classes: the edges
    ],
)
def test_other_settings(settings, overrides, tmp_path):
    m = Model(**settings)
    state = official.generator_state(m)
    import_run(save(tmp_path, "best", generator=state) / "best_net_G.pth", tmp_path / "run", *overrides)
    ours, theirs, cfg = both(m, state, tmp_path / "run")
    assert_close(ours, theirs, atol=1e-4, rtol=0)
    assert cfg.size == list(m.size)
    if "dataset=scenes" not in overrides:
        assert list(cfg.dataset.classes) == [f"class_{k}" for k in range(m.num_classes)]
        assert len({tuple(colour) for colour in cfg.dataset.colours}) == m.num_classes


def test_the_order_of_channels():
    """Edges are the last channel; the vertical offset is the first: a swap changes the image."""
    m = Model("icpe", **DATA_SETS["cityscapes"])
    state = official.generator_state(m)
    labels, edges, offsets = condition(m)
    straight = official.generate(state, m, labels, edges, offsets)
    assert (straight - official.generate(state, m, labels, edges, offsets.flip(1))).abs().max() > 1e-3
    assert (straight - official.generate(state, m, labels, 1 - edges, offsets)).abs().max() > 1e-3


def test_discriminator_and_encoder_come_along(tmp_path):
    m = Model("clade", **DATA_SETS["cityscapes"], z_dim=8)
    states = {"generator": official.generator_state(m), "discriminator": official.discriminator_state(39),
              "encoder": official.encoder_state()}
    import_run(save(tmp_path / "model", "20", **states), tmp_path / "run", "size=[64,128]")
    run = runs.Run(tmp_path / "run")
    encoder, cfg = run.encoder, run.config
    image = torch.rand(2, 3, 64, 128) * 2 - 1
    with torch.no_grad():
        for ours, theirs in zip(encoder(image), official.encode(states["encoder"], image), strict=True):
            assert_close(ours, theirs, atol=1e-4, rtol=1e-4)
    labels, edges, _ = condition(m)
    discriminator = hydra.utils.instantiate(cfg.discriminator).eval()
    discriminator.load_state_dict(run.saved.part("discriminator"))
    sem = Semantics(labels, m.num_classes, edges)
    with torch.no_grad():
        ours = [maps[-1] for maps in discriminator(sem, image)]
    for a, b in zip(ours, official.discriminate(states["discriminator"],
                                                torch.cat([sem.one_hot(edges=True), image], 1)), strict=True):
        assert_close(a, b, atol=1e-4, rtol=1e-4)


def test_a_style_vector_without_its_encoder(tmp_path):
    """Released SPADE models hold the generator only: styles are drawn, none can be taken from an image."""
    m = Model(num_classes=151, z_dim=8)
    lines = import_run(save(tmp_path / "m", generator=official.generator_state(m)), tmp_path / "run", "size=64")
    run = runs.Run(tmp_path / "run")
    generator, encoder = run.generator, run.encoder
    assert encoder is None
    assert generator.z_dim == 8
    assert "without an encoder" in lines


@pytest.mark.parametrize("divided", [False, True], ids=["bare", "with the divided weights"])
def test_files_of_old_pytorch_lack_a_vector(divided, tmp_path):
    m = Model("clade")
    state = official.generator_state(m)
    for key in [key for key in state if key.endswith("weight_v")]:
        layer = key.removesuffix(".weight_v")
        weight, u = state[f"{layer}.weight_orig"], state[f"{layer}.weight_u"]
        v = torch.nn.functional.normalize(weight.flatten(1).t() @ u, dim=0)
        if divided:
            v = v * 1.1  # sigma of the iteration before
            state[f"{layer}.weight"] = weight / (u @ weight.flatten(1) @ v)
        state[key] = v
    for key in [key for key in state if key.endswith("num_batches_tracked")]:
        del state[key]
    old = {key: value for key, value in state.items() if not key.endswith("weight_v")}
    import_run(save(tmp_path / "m", generator=old), tmp_path / "run", "size=64")
    ours, theirs, _ = both(m, state, tmp_path / "run")
    assert_close(ours, theirs, atol=1e-4, rtol=0)


def test_names_that_wrappers_and_newer_pytorch_leave(tmp_path):
    m = Model("spade")
    state = official.generator_state(m)
    newer = {"weight_orig": "parametrizations.weight.original", "weight_u": "parametrizations.weight.0._u",
             "weight_v": "parametrizations.weight.0._v"}
    renamed = {}
    for key, value in state.items():
        layer, _, leaf = key.rpartition(".")
        renamed[f"module.{layer}.{newer.get(leaf, leaf)}"] = value.half().float()
    renamed["module.up_0.norm_0.param_free_norm._tmp_running_mean"] = torch.zeros(16)
    torch.save({"state_dict": renamed}, tmp_path / "mine.pth")
    import_run(tmp_path / "mine.pth", tmp_path / "run", "size=64")
    ours, theirs, _ = both(m, {k: v.half().float() for k, v in state.items()}, tmp_path / "run")
    assert_close(ours, theirs, atol=1e-4, rtol=0)


def test_options_in_words_are_read(tmp_path):
    m = Model(num_classes=7, edges=True, size=(64, 128), upsamplings=6)
    folder = save(tmp_path / "m", generator=official.generator_state(m))
    (folder / "opt.txt").write_text("----------------- Options ---------------\n"
                                    "             aspect_ratio: 2.0                           \n"
                                    "                crop_size: 128                           \t[default: 256]\n"
                                    "              no_instance: False                         \n"
                                    "     num_upsampling_layers: more                          \t[default: normal]\n")
    import_run(folder, tmp_path / "run")
    cfg = runs.Run(tmp_path / "run").config
    assert (list(cfg.size), cfg.generator.upsamplings, cfg.dataset.edges) == ([64, 128], 6, True)


def test_which_of_several_epochs(tmp_path):
    m = Model("clade")
    for scale, epoch in enumerate(("50", "100", "best", "latest"), 1):
        state = official.generator_state(m)
        state["conv_img.bias"] += scale
        save(tmp_path / "m", epoch, generator=state)
    for epoch, name in ((None, "latest"), ("best", "best"), ("100", "100")):
        run = tmp_path / f"run_{epoch}"
        import_run(tmp_path / "m", run, "size=64", *([f"epoch={epoch}"] if epoch else []))
        files = runs.Run(run).config["import"].files
        assert files.generator.file.endswith(f"{name}_net_G.pth")


def test_the_run_says_where_it_comes_from(tmp_path):
    import hashlib

    m = Model("icpe", **DATA_SETS["cityscapes"])
    folder = save(tmp_path / "m", generator=official.generator_state(m))
    import_run(folder, tmp_path / "run", "size=[64,128]")
    record = runs.Run(tmp_path / "run").config["import"]
    digest = hashlib.sha256((folder / "latest_net_G.pth").read_bytes()).hexdigest()
    assert record.files.generator.sha256 == digest
    assert record.facts.generator.norm == "clade_icpe"
    assert record.setting.upsamplings == 6
    assert {p.name for p in (tmp_path / "run").iterdir()} == {"config.yaml", "checkpoints"}
    assert [p.name for p in (tmp_path / "run" / "checkpoints").iterdir()] == ["last.safetensors"]
    assert "${" not in (tmp_path / "run" / "config.yaml").read_text()


@pytest.mark.parametrize(("norm", "data", "entries"), [("spade", "ade20k", 234), ("clade", "cityscapes", None)])
def test_full_width_by_shapes(norm, data, entries):
    """The published width, without memory: every name and shape that the papers' code saves."""
    from semsynth.checkpoints.convert import recognise
    from semsynth.generators.spade import SPADEGenerator
    from semsynth.norms.clade import CLADE
    from semsynth.norms.spade import SPADE

    m = Model(norm, **DATA_SETS[data], ngf=64, hidden=128)
    with torch.device("meta"):
        state = official_shapes(m)
        make = {"spade": SPADE, "clade": CLADE}[norm]
        network = SPADEGenerator(lambda c, num_classes: make(c, num_classes, edges=m.edges), m.num_classes,
                                 size=m.size, upsamplings=m.upsamplings, edges=m.edges).state_dict()
    layout = recognise(state)
    assert {layout.official(key): tuple(value.shape) for key, value in network.items()} == \
        {key: tuple(value.shape) for key, value in state.items()}
    if entries:
        assert len(state) == entries
    facts = layout.describe(state)
    assert (facts.ngf, facts.channels) == (64, m.num_classes + m.edges)


def official_shapes(m):
    return official.generator_state(m)


def test_the_command(tmp_path):
    """Through Hydra, as it is typed; what is missing is said in a line."""
    save(tmp_path / "m", generator=official.generator_state(Model("icpe", num_classes=151)))

    def typed(*arguments):
        command = [sys.executable, str(ROOT / "tools" / "import_checkpoint.py"), *arguments]
        return subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)

    done = typed("source=m", "output=run", "dataset=ade20k", "size=64")
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("run directory: run\n")
    assert runs.Run(tmp_path / "run").config.dataset.name == "ade20k"
    refused = typed("output=x")
    assert (refused.returncode, len(refused.stderr.splitlines())) == (2, 1)
    assert "source= is missing" in refused.stderr
