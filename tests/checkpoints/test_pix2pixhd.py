"""pix2pixHD's released files become runs that draw the same pictures, and are written again bit for bit."""

import pytest
import torch
import torch.nn.functional as F
from importing import import_run, save
from omegaconf import OmegaConf
from torch.testing import assert_close

from semsynth import runs
from semsynth.checkpoints.layouts import LAYOUTS
from semsynth.errors import CheckpointError
from semsynth.exporting.export import export
from semsynth.exporting.source import Source
from semsynth.generators.pix2pixhd import Pix2PixHDGenerator
from semsynth.generators.pix2pixhd_local import Pix2PixHDLocalGenerator
from semsynth.semantics import Semantics
from semsynth.style import Style

NGF = 4  # of the global network


def layer(state, key, *shape, outputs=0):
    state[f"{key}.weight"] = torch.randn(*shape) / shape[1] ** 0.5 / 3
    state[f"{key}.bias"] = 0.1 * torch.randn(shape[outputs])


def generator_state(channels, local, ngf=NGF, blocks=9):
    """The released names and shapes, from the description."""
    torch.manual_seed(1)
    state = {}
    layer(state, "model.1", ngf, channels, 7, 7)
    for k, key in enumerate((4, 7, 10, 13)):
        layer(state, f"model.{key}", ngf << k + 1, ngf << k, 3, 3)
    for k in range(blocks):
        for i in (1, 5):
            layer(state, f"model.{16 + k}.conv_block.{i}", 16 * ngf, 16 * ngf, 3, 3)
    for k in range(4):
        layer(state, f"model.{16 + blocks + 3 * k}", 16 * ngf >> k, 8 * ngf >> k, 3, 3, outputs=1)
    if not local:
        layer(state, f"model.{29 + blocks}", 3, ngf, 7, 7)
        return state
    half = ngf // 2
    layer(state, "model1_1.1", half, channels, 7, 7)
    layer(state, "model1_1.4", ngf, half, 3, 3)
    for k in range(3):
        for i in (1, 5):
            layer(state, f"model1_2.{k}.conv_block.{i}", ngf, ngf, 3, 3)
    layer(state, "model1_2.3", ngf, half, 3, 3, outputs=1)
    layer(state, "model1_2.7", 3, half, 7, 7)
    return state


def discriminator_state(channels, scales, ndf=2):
    state = {}
    for i in range(scales):
        for k, (a, b) in enumerate(((channels, ndf), (ndf, 2 * ndf), (2 * ndf, 4 * ndf), (4 * ndf, 8 * ndf),
                                    (8 * ndf, 1))):
            layer(state, f"scale{i}_layer{k}.0", b, a, 4, 4)
    return state


def encoder_state(nef=2):
    state = {}
    layer(state, "model.1", nef, 3, 7, 7)
    for k, key in enumerate((4, 7, 10, 13)):
        layer(state, f"model.{key}", nef << k + 1, nef << k, 3, 3)
    for k, key in enumerate((16, 19, 22, 25)):
        layer(state, f"model.{key}", 16 * nef >> k, 8 * nef >> k, 3, 3, outputs=1)
    layer(state, "model.29", 3, nef, 7, 7)
    return state


def plain(state, x, local):
    """The released forward pass, on one-hot maps with edges (and features)."""
    def conv(x, key, **settings):
        return F.conv2d(x, state[f"{key}.weight"], state[f"{key}.bias"], **settings)

    def up(x, key):
        return F.conv_transpose2d(x, state[f"{key}.weight"], state[f"{key}.bias"], 2, 1, 1)

    def normed(x):
        return (x - x.mean((2, 3), keepdim=True)) / (x.var((2, 3), keepdim=True, unbiased=False) + 1e-5).sqrt()

    def reflected(x, margin):
        return F.pad(x, (margin,) * 4, mode="reflect")

    def block(x, key):
        y = normed(conv(reflected(x, 1), f"{key}.conv_block.1")).relu()
        return x + normed(conv(reflected(y, 1), f"{key}.conv_block.5"))

    def trunk(x):
        x = normed(conv(reflected(x, 3), "model.1")).relu()
        for key in (4, 7, 10, 13):
            x = normed(conv(x, f"model.{key}", stride=2, padding=1)).relu()
        for k in range(16, 25):
            x = block(x, f"model.{k}")
        for key in (25, 28, 31, 34):
            x = normed(up(x, f"model.{key}")).relu()
        return x

    if not local:
        return torch.tanh(conv(reflected(trunk(x), 3), "model.38"))
    y = normed(conv(reflected(x, 3), "model1_1.1")).relu()
    y = normed(conv(y, "model1_1.4", stride=2, padding=1)).relu()
    y = y + trunk(F.avg_pool2d(x, 3, 2, 1, count_include_pad=False))
    for k in range(3):
        y = block(y, f"model1_2.{k}")
    return torch.tanh(conv(reflected(normed(up(y, "model1_2.3")).relu(), 3), "model1_2.7"))


def condition(classes):
    torch.manual_seed(0)
    labels = torch.randint(classes, (1, 8, 16)).repeat_interleave(8, 1).repeat_interleave(8, 2)
    return Semantics(labels, classes, (torch.rand(1, 1, 64, 128) > 0.7).float())


@pytest.mark.parametrize("local", [False, True], ids=["global", "local"])
@pytest.mark.parametrize(("channels", "data"), [(36, "cityscapes"), (151, "ade20k"), (184, "coco_stuff")])
@torch.no_grad()
def test_a_released_model_draws_the_same_picture(channels, data, local, tmp_path):
    state = generator_state(channels, local)
    lines = import_run(save(tmp_path / "model", generator=state), tmp_path / "run", "size=[64,128]")
    run = runs.Run(tmp_path / "run")
    semantics = condition(run.config.dataset.num_classes)
    ours = run.generator(run.generator.prepare(semantics))
    theirs = plain(state, semantics.one_hot(edges=run.config.dataset.edges), local)
    assert 0.05 < theirs.std() < 0.95
    assert_close(ours, theirs, atol=1e-4, rtol=0)
    assert (run.config.dataset.name, run.config.dataset.edges) == (data, data != "ade20k")
    assert any(data in line and "which alone has" in line for line in lines)


def test_the_released_one_is_used_at_its_size(tmp_path):
    """label2city_1024p, 36 channels, no features."""
    import_run(save(tmp_path / "model", generator=generator_state(36, True)), tmp_path / "run")
    cfg = runs.Run(tmp_path / "run").config
    assert cfg.size == [1024, 2048]
    assert cfg.generator["_target_"].endswith("Pix2PixHDLocalGenerator")
    assert (cfg.generator.ngf, cfg.generator.features) == (NGF, 0)


@torch.no_grad()
def test_discriminator_and_features_come_along(tmp_path):
    states = {"generator": generator_state(36 + 3, False), "discriminator": discriminator_state(39, 3),
              "encoder": encoder_state()}
    import_run(save(tmp_path / "model", "20", **states), tmp_path / "run", "size=[64,128]")
    run, semantics = runs.Run(tmp_path / "run"), condition(35)
    image = torch.rand(1, 3, 64, 128) * 2 - 1
    style = run.encoder.encode(image, semantics)
    codes = torch.rand_like(style.instances)
    features = codes[0, torch.unique(semantics.labels, return_inverse=True)[1]].permute(0, 3, 1, 2)
    ours = run.generator(run.generator.prepare(semantics), Style(instances=codes))
    x = torch.cat([semantics.one_hot(edges=True), features], 1)
    assert_close(ours, plain(states["generator"], x, False), atol=1e-4, rtol=0)
    cfg, saved = run.config, run.saved.part("discriminator")
    assert (cfg.discriminator.num_scales, cfg.discriminator.num_layers, cfg.discriminator.ndf) == (3, 4, 2)
    assert torch.equal(saved["scales.2.layers.1.weight"], states["discriminator"]["scale2_layer1.0.weight"])


@pytest.mark.parametrize("local", [False, True], ids=["global", "local"])
def test_it_is_written_again_bit_for_bit(local, tmp_path):
    states = {"generator": generator_state(39, local), "discriminator": discriminator_state(39, 2),
              "encoder": encoder_state()}
    import_run(save(tmp_path / "model", **states), tmp_path / "run", "size=[64,128]")
    run = runs.Run(tmp_path / "run")
    lines = export(Source(tmp_path / "run", OmegaConf.to_container(run.config), run.saved, run.weights, run.generator,
                          run.encoder), "official", tmp_path / "out")
    for part, letter in (("generator", "G"), ("discriminator", "D"), ("encoder", "E")):
        again = torch.load(tmp_path / "out" / f"latest_net_{letter}.pth", weights_only=True)
        assert again.keys() == states[part].keys()
        assert all(torch.equal(value, again[key]) for key, value in states[part].items())
    assert any(f"--netG {'local --ngf 2' if local else 'global --ngf 4'} --label_nc 35 --instance_feat" in line
               for line in lines)


def test_the_published_networks_have_the_released_entries():
    with torch.device("meta"):
        networks = Pix2PixHDGenerator(151), Pix2PixHDLocalGenerator(35, edges=True)
    for network, name, entries in zip(networks, ("pix2pixHD", "pix2pixHD local"), (56, 74), strict=True):
        layout, = (x for x in LAYOUTS if (x.name, x.part) == (name, "generator"))
        table = layout.table(network.state_dict())
        assert len(set(table.values())) == entries
        assert layout.recognise({key: torch.empty(0) for key in table.values()})
    assert table["up.0.weight"] == "model1_2.3.weight"


def test_other_depths_are_refused(tmp_path):
    with pytest.raises(CheckpointError, match="9 residual blocks alone"):
        import_run(save(tmp_path / "model", generator=generator_state(36, False, blocks=6)), tmp_path / "run")
    broken = generator_state(36, True)
    broken |= {"model1_1.1.weight": torch.zeros(3, 36, 7, 7)}
    with pytest.raises(CheckpointError, match="half as wide"):
        import_run(save(tmp_path / "other", generator=broken), tmp_path / "run")
