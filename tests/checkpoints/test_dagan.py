"""Released files of DAGAN become runs that draw as SPADE's plain forward pass with the attention's formula."""

import official
import pytest
import torch
import torch.nn.functional as F
from importing import import_run, save
from official import Model
from omegaconf import OmegaConf
from torch.testing import assert_close

from semsynth import runs
from semsynth.checkpoints.layouts import CLADE, DAGAN, LAYOUTS, SPADE
from semsynth.exporting.export import export
from semsynth.exporting.source import Source
from semsynth.generators.dagan import DAGANGenerator
from semsynth.reporting.setting import setting_name
from semsynth.semantics import Semantics

DATA_SETS = {
    "ade20k": {"num_classes": 151, "edges": False, "size": (64, 64), "upsamplings": 5},
    "cityscapes": {"num_classes": 35, "edges": True, "size": (64, 128), "upsamplings": 6},
}


def generator_state(m):
    state, width = official.generator_state(m), m.ngf
    official.layer(state, "conv_64", width, 2 * width, 3, 3)
    official.layer(state, "cab.conv1", width, 2 * width, 1, 1)
    official.layer(state, "cab.conv2", width, width, 1, 1)
    official.layer(state, "spatialAtt.conv", 1, 2, 3, 3, bias=False)
    return state


@torch.no_grad()
def attended(state, x, before):
    """The last block's output and its input, upsampled."""
    t = F.conv2d(before, state["conv_64.weight"], state["conv_64.bias"], padding=1)
    means = torch.cat([t, x], 1).mean((2, 3), keepdim=True)
    hidden = F.conv2d(means, state["cab.conv1.weight"], state["cab.conv1.bias"]).relu()
    channels = F.conv2d(hidden, state["cab.conv2.weight"], state["cab.conv2.bias"]).sigmoid()
    places = torch.cat([x.mean(1, keepdim=True), x.max(1, keepdim=True).values], 1)
    return channels * x + t + x * F.conv2d(places, state["spatialAtt.conv.weight"], padding=1).sigmoid()


def generate(state, m, labels, edges, monkeypatch):
    """`official.generate`, which applies a LeakyReLU last to what the last block made."""
    inputs, plain = [], F.interpolate

    def watched(x, *args, **kwargs):
        out = plain(x, *args, **kwargs)
        inputs.append(out)
        return out

    images, leaky = [], F.leaky_relu

    def last(x, slope):
        if x.shape[1:] == (m.ngf, *m.size) and len(images) < 2:
            images.append(x)  # norm_1 of up_3 and then the block's output
            if len(images) == 2:
                before = next(y for y in reversed(inputs) if y.shape[1:] == (2 * m.ngf, *m.size))
                x = attended(state, x, before)
        return leaky(x, slope)

    with monkeypatch.context() as patch:
        patch.setattr(official.F, "interpolate", watched)
        patch.setattr(official.F, "leaky_relu", last)
        return official.generate(state, m, labels, edges)


@pytest.mark.parametrize("data", DATA_SETS)
def test_a_released_model_draws_the_same(data, tmp_path, monkeypatch):
    m = Model("spade", ngf=2, **DATA_SETS[data])
    states = {"generator": generator_state(m), "discriminator": official.discriminator_state(m.num_classes + m.edges + 3)}
    import_run(save(tmp_path / "model", **states), tmp_path / "run", f"size=[{m.size[0]},{m.size[1]}]")
    run = runs.Run(tmp_path / "run")
    generator, config = run.generator, OmegaConf.to_container(run.config, resolve=True)
    assert isinstance(generator, DAGANGenerator)
    assert setting_name(config).startswith("DAGAN")
    labels = torch.randint(0, m.num_classes, (2, m.size[0] // 8, m.size[1] // 8))
    labels = labels.repeat_interleave(8, 1).repeat_interleave(8, 2)
    edges = (torch.rand(2, 1, *m.size) > 0.8).float()
    maps = generator.prepare(Semantics(labels, m.num_classes, edges if m.edges else None))
    theirs = generate(states["generator"], m, labels, edges, monkeypatch)
    plain = official.generate(states["generator"], m, labels, edges)
    assert 0.05 < theirs.std() < 0.95
    assert (theirs - plain).abs().max() > 1e-2
    with torch.no_grad():
        assert_close(generator(maps), theirs, atol=1e-4, rtol=0)
        assert_close(generator.optimize_for_inference()(maps), theirs, atol=1e-4, rtol=0)


def test_files_go_as_they_come(tmp_path):
    state = generator_state(Model("spade", num_classes=12, ngf=2))
    import_run(save(tmp_path / "model", generator=state), tmp_path / "run", "dataset=scenes", "size=64")
    run = runs.Run(tmp_path / "run")
    export(Source(tmp_path / "run", OmegaConf.to_container(run.config), run.saved, run.weights, run.generator, None),
           "official", tmp_path / "out")
    theirs = torch.load(tmp_path / "out" / "latest_net_G.pth", weights_only=True)
    assert theirs.keys() == state.keys()
    assert all(torch.equal(theirs[key], state[key]) for key in state)


def test_no_state_fits_two_layouts():
    dagan = generator_state(Model("spade"))
    spade, clade = official.generator_state(Model("spade")), official.generator_state(Model("clade"))
    for state, layout in ((dagan, DAGAN), (spade, SPADE), (clade, CLADE)):
        assert [found for found in LAYOUTS if found.recognise(state)] == [layout]
