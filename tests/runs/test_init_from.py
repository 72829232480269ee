"""Training from the weights of another run."""

from functools import partial

import official
import pytest
import torch
from commands import ROOT, composed
from importing import import_run, save, training_from
from official import Model
from omegaconf import OmegaConf
from torch import nn

from semsynth import config, runs
from semsynth.discriminators.patchgan import MultiscaleDiscriminator
from semsynth.errors import CheckpointError, ConfigError
from semsynth.generators.spade import SPADEGenerator
from semsynth.norms.base import Norm, batch_norm
from semsynth.norms.clade import CLADE
from semsynth.norms.spade import SPADE
from semsynth.runs.inheritance import inherited
from semsynth.runs.transfer import _CLASS_AXES, Inputs, declared_axes, warm_state
from semsynth.segmenters.celebamask_unet import CelebAMaskUNet
from semsynth.segmenters.deeplab_v2 import DeepLabV2
from semsynth.segmenters.deeplab_v3 import DeepLabV3
from semsynth.segmenters.drn import DRN
from semsynth.segmenters.ppm import PPMNet
from semsynth.segmenters.unet import UNet
from semsynth.segmenters.upernet import UPerNet
from semsynth.training import launch
from semsynth.weights.run_file import PARTS

SCENES = ["dataset=scenes", "dataset.train_length=4", "dataset.val_length=2", "scores=none"]


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    """A CLADE model of Cityscapes with edges and without a discriminator."""
    folder = tmp_path_factory.mktemp("released")
    m = Model("clade", num_classes=35, edges=True, size=(64, 128), upsamplings=6)
    import_run(save(folder / "m", generator=official.generator_state(m)), folder / "run", "size=[64,128]")
    return folder / "run"


def test_an_imported_run_is_trained_for_two_batches_on_other_classes(imported, tmp_path, capsys):
    cfg = training_from(imported, f"run_dir={tmp_path}/new", *SCENES, "discriminator.ndf=4")
    assert cfg.norm["_target_"].endswith(".CLADE")
    assert (cfg.generator.ngf, cfg.generator.upsamplings, list(cfg.size)) == (1, 6, [64, 128])
    assert (cfg.generator.num_classes, cfg.norm.edges, cfg.discriminator.ndf) == (12, False, 4)
    runs.open_run(cfg, None)
    trainer, system, data = runs.build(cfg)
    runs.warm_start(system, cfg)
    said = capsys.readouterr().out
    assert "generator: from" in said
    assert "classes by name" in said
    assert "discriminator: starts afresh" in said
    before = {key: value.clone() for key, value in system.generator.state_dict().items()}
    old = runs.Run(imported).saved.part("generator")
    names, classes = list(runs.Run(imported).config.dataset.classes), list(cfg.dataset.classes)
    key = "blocks.up_1.norm_0.gamma"
    for name in ("sky", "car", "building", "person"):
        assert torch.equal(before[key][classes.index(name)], old[key][names.index(name)])
    assert torch.equal(before["blocks.up_1.conv_0.parametrizations.weight.original"],
                       old["blocks.up_1.conv_0.parametrizations.weight.original"][:, :-1])
    launch.fit(trainer, system, data, None)
    assert trainer.global_step == 4
    assert all(value.isfinite().all() for value in system.generator.state_dict().values())
    assert runs.Run(tmp_path / "new").generator.upsamplings == 6


def test_without_overrides_everything_is_the_runs(imported, tmp_path):
    cfg = config.finalize(runs.inherit(composed("train", f"init_from={imported}", f"run_dir={tmp_path}")))
    saved = runs.Run(imported).config
    for group in ("norm", "generator", "discriminator", "size", "dataset", "recipe", "loss"):
        assert OmegaConf.to_container(cfg, resolve=True)[group] == OmegaConf.to_container(saved)[group], group
    assert cfg.system.num_classes == 35


@pytest.mark.parametrize(("words", "recipe", "dataset", "rate", "kl"), [
    (["recipe=scenes"], "scenes", "cityscapes", 4e-4, 0.005),
    (["recipe.kl=0.5"], "cityscapes", "cityscapes", 1e-4, 0.5), (["dataset=camvid"], "camvid", "camvid", 1e-4, 0.05)])
def test_a_recipe_is_the_runs_unless_it_or_a_data_set_is_chosen(words, recipe, dataset, rate, kl, imported):
    """Losses and rates follow it, the networks stay the run's."""
    saved = OmegaConf.to_container(runs.Run(imported).config, resolve=True)
    cfg = OmegaConf.create(inherited(OmegaConf.to_container(composed("train", *words), resolve=False), saved, words))
    assert (cfg.recipe.name, cfg.dataset.name, cfg.generator.ngf) == (recipe, dataset, 1)
    assert (cfg.optim.generator.lr, cfg.recipe.kl) == (rate, kl)
    perceptual = cfg.loss.generator.get("perceptual")
    assert (perceptual is None) == (recipe == "scenes")


def test_words_for_what_others_follow_are_heeded_or_refused():
    """They were set in the node that was typed, and nothing that trains read them."""
    def plain(*overrides, resolve=False):
        return OmegaConf.to_container(composed("train", *overrides), resolve=resolve)

    saved = plain("dataset=camvid", "loss=spade_no_vgg", "dataset.root=there", "run_dir=r", resolve=True)
    typed = ["recipe.kl=0.5", "dataset.size=[32,64]", "recipe.lr_generator=1"]
    cfg = OmegaConf.to_container(OmegaConf.create(
        inherited(plain(*typed), saved, typed, plain("dataset=camvid")) | {"run_dir": "r"}), resolve=True)
    assert cfg["dataset"]["name"] == "camvid"
    assert cfg["dataset"]["root"] == "there"
    assert (cfg["size"], cfg["generator"]["size"], cfg["dataset"]["val"]["size"]) == ([32, 64],) * 3
    assert cfg["optim"]["generator"]["lr"] == 1
    kept = OmegaConf.to_container(OmegaConf.create(
        inherited(plain(), saved, [], plain("dataset=camvid")) | {"run_dir": "r"}), resolve=True)
    for group in ("dataset", "size", "recipe", "norm", "generator", "discriminator", "loss", "icpe"):
        assert kept[group] == saved[group], group
    scenes = plain("dataset.train_length=32", "run_dir=r", resolve=True)
    short = inherited(plain("dataset.train_length=8"), scenes, ["dataset.train_length=8"])["dataset"]
    assert (short["train_length"], short["train"]["length"]) == (8, "${dataset.train_length}")
    with pytest.raises(ConfigError, match=r"recipe.ngf=8: the networks .*generator.ngf=64.*leave recipe.ngf= out"):
        inherited(plain("recipe.ngf=8"), saved, ["recipe.ngf=8"], plain("dataset=camvid"))


def test_the_loss_of_a_run_follows_its_recipe(imported):
    saved = OmegaConf.to_container(runs.Run(imported).config, resolve=True)
    saved["loss"]["generator"]["kl"] = {"weight": saved["recipe"]["kl"]}
    like = OmegaConf.to_container(composed("train", "dataset=cityscapes", "encoder=style"), resolve=False)
    words = ["recipe.kl=0.5"]
    cfg = inherited(OmegaConf.to_container(composed("train", *words), resolve=False), saved, words, like)
    assert (cfg["loss"]["generator"]["kl"]["weight"], cfg["recipe"]["kl"]) == ("${recipe.kl}", 0.5)
    saved["loss"]["generator"]["kl"]["weight"] = 9  # the run's own
    cfg = inherited(OmegaConf.to_container(composed("train", *words), resolve=False), saved, words, like)
    assert cfg["loss"]["generator"]["kl"]["weight"] == 9


def test_an_imported_run_is_not_resumed(imported):
    with pytest.raises(ConfigError, match=f"init_from={imported}"):
        runs.resumed(str(imported), [])
    with pytest.raises(ConfigError, match="no such directory|no such checkpoint|holds no"):
        runs.inherit(OmegaConf.create({"init_from": "nowhere"}))


def network(norm, classes, edges, **settings):
    def factory(channels, num_classes):
        return norm(channels, num_classes, edges=edges, **settings)

    return SPADEGenerator(factory, classes, size=(32, 32), ngf=1, edges=edges)


def warmed(fresh, saved, before, now):
    return warm_state("generator", fresh.state_dict(), saved.state_dict(), before, now, declared_axes(fresh))


@pytest.mark.parametrize("norm", [SPADE, CLADE])
@pytest.mark.parametrize(("old_edges", "new_edges"), [(True, True), (True, False), (False, True), (False, False)])
def test_rows_and_channels_follow_the_names(norm, old_edges, new_edges):
    before, now = Inputs(["sky", "road", "car"], old_edges), Inputs(["car", "boat", "sky", "lamp"], new_edges)
    old, new = network(norm, 3, old_edges), network(norm, 4, new_edges)
    state, warmth = warmed(new, old, before, now)
    saved, fresh = old.state_dict(), new.state_dict()
    assert (warmth.known, warmth.new) == (["car", "sky"], ["boat", "lamp"])
    assert {k: v.shape for k, v in state.items()} == {k: v.shape for k, v in fresh.items()}
    fc = state["fc.weight"]
    assert torch.equal(fc[:, 0], saved["fc.weight"][:, 2])
    assert torch.equal(fc[:, 2], saved["fc.weight"][:, 0])
    assert torch.equal(fc[:, 1], fresh["fc.weight"][:, 1])
    if old_edges and new_edges:
        assert torch.equal(fc[:, 4], saved["fc.weight"][:, 3])
    if norm is SPADE:
        key = "blocks.up_0.norm_s.shared.weight"
        assert torch.equal(state[key][:, 0], saved[key][:, 2])
    else:
        assert torch.equal(state["blocks.up_0.norm_s.beta"][2], saved["blocks.up_0.norm_s.beta"][0])
    assert torch.equal(state["conv_img.weight"], saved["conv_img.weight"])


def test_another_network_is_a_short_table():
    names = Inputs(["a", "b", "c"], False)
    with pytest.raises(CheckpointError, match="generator of this setting is another network") as caught:
        warmed(network(CLADE, 3, False), network(SPADE, 3, False, hidden=4), names, names)
    assert len(str(caught.value).splitlines()) < 12


class ByStyle(Norm):
    """Whose gamma has as many rows as there are classes, and none of them."""

    class_indexed = {"rows": 1}

    def __init__(self, channels, num_classes, base=batch_norm, *, edges=False):
        super().__init__(channels, num_classes, base)
        self.gamma = nn.Parameter(torch.rand(3, channels))
        self.rows = nn.Parameter(torch.rand(channels, num_classes))

    def modulation(self, view, style=None):
        return self.gamma[0][:, None, None], self.rows.t()[view.labels].permute(0, 3, 1, 2)


def test_a_norm_says_what_its_classes_index():
    before, now = Inputs(["sky", "road", "car"], False), Inputs(["car", "boat", "sky"], False)
    old, new = network(ByStyle, 3, False), network(ByStyle, 3, False)
    state, _ = warmed(new, old, before, now)
    norm, fresh = old.blocks["up_0"].norm_s, new.blocks["up_0"].norm_s
    assert torch.equal(state["blocks.up_0.norm_s.gamma"], norm.gamma)
    assert torch.equal(state["blocks.up_0.norm_s.rows"][:, ::2], norm.rows[:, [2, 0]])
    assert torch.equal(state["blocks.up_0.norm_s.rows"][:, 1], fresh.rows[:, 1])


def test_a_style_vector_has_no_classes():
    before, now = Inputs(["sky", "road", "car"], False), Inputs(["car", "boat", "sky"], False)
    old, new = (SPADEGenerator(CLADE, 3, size=(32, 32), ngf=1, z_dim=5) for _ in range(2))
    assert torch.equal(warmed(new, old, before, now)[0]["fc.weight"], old.fc.weight)


# ---- with a segmenter in the loop

TINY = ["generator.ngf=2", "discriminator.ndf=2", "size=64", "dataset.train_length=4", "dataset.val_length=2",
        "scores=none", "trainer=smoke", "batch=2", "logger=csv", "data.num_workers=0", "trainer.accelerator=cpu"]
CYCLE = ["experiments=unpaired", "loss=unpaired_cycle", "discriminator@system.label_discriminator=patchgan_labels",
         "system.label_discriminator.ndf=2", "system.segmenter.network.widths=[4,8]"]


def unpaired(*overrides):
    return composed("train", *CYCLE, *TINY, *overrides, f"hydra.searchpath=[file://{ROOT}]")


@pytest.fixture(scope="module")
def without_pairs(tmp_path_factory):
    """A run of two iterations with a segmenter in the loop and a second discriminator."""
    folder = tmp_path_factory.mktemp("unpaired") / "run"
    cfg = config.prepare(unpaired(f"run_dir={folder}"))
    runs.open_run(cfg, None)
    launch.fit(*runs.build(cfg), None)
    return folder


def test_an_unpaired_run_starts_from_an_unpaired_run(without_pairs, tmp_path, capsys):
    """By its experiment, and by nothing but its name."""
    saved = runs.Run(without_pairs).saved.part("segmenter")
    by_experiment = config.prepare(unpaired(f"init_from={without_pairs}", f"run_dir={tmp_path}/a"))
    by_name = training_from(without_pairs, *(o for o in TINY if not o.startswith("dataset.")), f"run_dir={tmp_path}/b")
    for cfg in (by_experiment, by_name):
        runs.open_run(cfg, None)
        trainer, system, data = runs.build(cfg)
        runs.warm_start(system, cfg)
        said = capsys.readouterr().out
        for part in ("generator", "discriminator", "segmenter", "label_discriminator"):
            assert f"{part}: from" in said
        for key, value in system.segmenter.state_dict().items():
            assert torch.equal(value, saved[key]), key
    launch.fit(trainer, system, data, None)
    assert trainer.global_step == 4


def test_every_part_of_a_file_of_weights_has_its_axes():
    assert set(_CLASS_AXES) == set(PARTS)


def test_the_segmenter_and_the_second_discriminator_follow_the_names():
    before, now = Inputs(["sky", "road", "car"], True), Inputs(["car", "boat", "sky", "lamp"], True)
    for network in (UNet, PPMNet, partial(UPerNet, depth=18, channels=8), partial(DRN, blocks=(1, 1, 1, 1)),
                    partial(DeepLabV2, blocks=(1, 1, 1, 1)), partial(DeepLabV3, depth=50), CelebAMaskUNet):
        with torch.device("meta"):
            old, new = ({f"network.{key}": value for key, value in network(count).state_dict().items()}
                        for count in (3, 4))
        rows = [key for key, value in new.items() if value.shape != old[key].shape]
        assert rows
        old, new = ({key: torch.rand(value.shape) if key in rows else torch.rand(()).expand(value.shape)
                     for key, value in meta.items()} for meta in (old, new))
        state, warmth = warm_state("segmenter", new, old, before, now, {})
        assert warmth.known == ["car", "sky"]
        for key in rows:
            assert torch.equal(state[key][0], old[key][2]), key
            assert torch.equal(state[key][2], old[key][0]), key
            assert torch.equal(state[key][1], new[key][1]), key
        assert all(torch.equal(value, old[key]) for key, value in state.items() if key not in rows)
    old, new = (patchgan(classes, image_channels=classes, conditional=False) for classes in (3, 4))
    state, _ = warm_state("label_discriminator", new, old, before, now, {})
    key = "scales.0.layers.0.0.weight"
    assert torch.equal(state[key][:, 2], old[key][:, 0])
    assert torch.equal(state[key][:, 3], new[key][:, 3])


@pytest.mark.parametrize("classes", [3, 4])
def test_a_discriminator_of_images_alone_has_no_classes(classes):
    """Also where there are as many classes as colours."""
    before, now = Inputs(["sky", "road", "car"], False), Inputs(["car", "boat", "sky", "lamp"][:classes], False)
    old, new = patchgan(3, conditional=False), patchgan(classes, conditional=False)
    state, _ = warm_state("discriminator", new, old, before, now, {})
    assert all(torch.equal(value, old[key]) for key, value in state.items())


def patchgan(classes, **settings):
    return MultiscaleDiscriminator(classes, ndf=2, num_layers=2, num_scales=1, **settings).state_dict()


def test_a_segmenter_that_stays_as_it_is_keeps_its_own_weights(without_pairs, capsys):
    judge = ["segmenter@system.segmenter.judge=scenes", "in_loop@system.segmenter=pretrained"]
    cfg = config.prepare(composed("train", "experiments=unpaired", *TINY, *judge, f"init_from={without_pairs}",
                                  "run_dir=x", f"hydra.searchpath=[file://{ROOT}]"))
    system = runs.build(cfg)[1]
    before = {key: value.clone() for key, value in system.segmenter.state_dict().items()}
    runs.warm_start(system, cfg)
    assert "segmenter: stays as it is" in capsys.readouterr().out
    assert all(torch.equal(value, before[key]) for key, value in system.segmenter.state_dict().items())
