"""Released files of GroupDNet become runs with the same pictures and codes, and runs of GroupDNet become such files."""

import official
import pytest
import released_groupdnet as released
import torch
from importing import import_run, save
from omegaconf import OmegaConf
from torch.testing import assert_close

from semsynth import runs
from semsynth.checkpoints.layouts import GROUP_ENCODER, GROUPDNET, LAYOUTS, STYLE_ENCODER
from semsynth.encoders.group import class_crops
from semsynth.errors import CheckpointError, ConfigError
from semsynth.exporting.export import export
from semsynth.exporting.source import Source
from semsynth.semantics import Semantics
from semsynth.style import Style

SIZES = {"deepfashion": (128, 128), "cityscapes": (128, 256), "ade20k": (128, 128)}
CODE = 2


@pytest.fixture(scope="module", params=SIZES)
def model(request, tmp_path_factory):
    """The data set, the states, and the run that comes of them."""
    data, folder = request.param, tmp_path_factory.mktemp(request.param)
    classes, edges, *_ = released.SETS[data]
    states = {"generator": released.generator_state(data), "encoder": released.encoder_state(classes),
              "discriminator": official.discriminator_state(classes + edges + 3)}
    height, width = SIZES[data]
    lines = import_run(save(folder / "model", **states), folder / "run", f"size=[{height},{width}]")
    return data, states, runs.Run(folder / "run"), lines


def source_of(run):
    return Source(run.path, OmegaConf.to_container(run.config), run.saved, run.weights, run.generator, run.encoder)


def test_it_draws_and_encodes_the_same(model):
    data, states, run, lines = model
    (classes, edges, *_), size = released.SETS[data], SIZES[data]
    assert run.config.dataset.name == (data if data != "deepfashion" else "folder")
    assert any("GroupDNet" in line for line in lines)
    labels = torch.randint(0, classes, (2, size[0] // 16, size[1] // 16))
    labels = labels.repeat_interleave(16, 1).repeat_interleave(16, 2)
    edge = (torch.rand(2, 1, *size) > 0.9).double() if edges else None
    grid = size[0] // 64, size[1] // 64
    z = torch.randn(2, classes, CODE, *grid).double()
    # in double precision: random weights make more of a rounding than trained ones do
    generator = run.generator.double()
    state = {key: v.double() if v.is_floating_point() else v for key, v in states["generator"].items()}
    maps = generator.prepare(Semantics(labels, classes, edge))
    with torch.no_grad():
        ours = generator(maps, Style(classes=z.flatten(2)))
    theirs = released.generate(state, data, labels, edge, z)
    assert theirs.std() > 0.05
    assert_close(ours, theirs, atol=1e-8, rtol=0)

    images = torch.randn(2, 3, *size)
    encoder = run.encoder.eval()
    crops = class_crops(images, labels, classes, size)
    wanted = released.encode(states["encoder"], crops)
    with torch.no_grad():
        posterior = encoder.encode(images, Semantics(labels, classes)).posterior
    for found, expected in zip((posterior.mean, posterior.log_variance), wanted, strict=True):
        assert_close(found, expected.view(2, classes, -1), atol=1e-4, rtol=1e-4)


def test_it_is_exported_bit_for_bit(model, tmp_path):
    data, states, run, _ = model
    lines = export(source_of(run), "official", tmp_path / "out")
    for part, state in states.items():
        written = torch.load(tmp_path / "out" / f"latest_net_{part[0].upper()}.pth", weights_only=True)
        kept = {key: value for key, value in state.items() if not key.startswith("up_4.")}
        assert written.keys() == kept.keys()
        assert all(torch.equal(written[key], kept[key]) for key in kept)
    assert any("up_4" in line for line in lines) == (data == "ade20k")


def test_no_state_fits_two_layouts():
    for state, layout in ((released.generator_state("deepfashion"), GROUPDNET),
                          (released.encoder_state(8), GROUP_ENCODER), (official.encoder_state(), STYLE_ENCODER)):
        assert [found for found in LAYOUTS if found.recognise(state)] == [layout]


def test_wrong_files_are_refused(tmp_path):
    state, size = released.generator_state("deepfashion"), "size=128"
    others = released.encoder_state(8, code=3)
    with pytest.raises(CheckpointError, match="codes of 3 channels"):
        import_run(save(tmp_path / "a", generator=state, encoder=others), tmp_path / "r", size)
    with pytest.raises(CheckpointError, match="none of GroupDNet"):
        import_run(save(tmp_path / "b", generator=state, encoder=official.encoder_state()), tmp_path / "r", size)
    with pytest.raises(CheckpointError, match="groups of channels, which come with 6"):
        import_run(save(tmp_path / "c", generator=state), tmp_path / "r", size, "upsamplings=5")
    bad = state | {"up_1.conv_0.weight_orig": state["up_1.conv_0.weight_orig"][:, :3]}
    with pytest.raises(CheckpointError, match="do not divide"):
        import_run(save(tmp_path / "d", generator=bad), tmp_path / "r", size)


def test_groupdnet_with_clade_has_no_released_layout(tmp_path):
    model = save(tmp_path / "model", generator=released.generator_state("deepfashion"))
    import_run(model, tmp_path / "run", "size=128")
    source = source_of(runs.Run(tmp_path / "run"))
    state = {key: value for key, value in source.saved.part("generator").items()
             if ".shared." not in key and ".gamma." not in key and ".beta." not in key}
    for key in [key for key in state if key.endswith(".base.running_mean")]:
        state |= {key.replace("base.running_mean", word): torch.rand(8, len(state[key])) for word in ("gamma", "beta")}
    source.saved.part = lambda part, weights=None: state if part == "generator" else None
    with pytest.raises(ConfigError, match="no released layout holds this generator"):
        export(source, "official", tmp_path / "out")
