"""Released files of CC-FPSE become runs that draw and judge as a plain forward pass written from the formulas."""

import hydra.utils
import official
import official_cc_fpse as released
import pytest
import torch
from importing import import_run, save
from official_cc_fpse import Model
from omegaconf import OmegaConf
from torch.testing import assert_close

from semsynth import runs
from semsynth.checkpoints.layouts import CC_FPSE, FPSE
from semsynth.errors import CheckpointError
from semsynth.exporting.export import export
from semsynth.exporting.source import Source
from semsynth.generators.cc_fpse import CCFPSEGenerator
from semsynth.reporting.setting import setting_name
from semsynth.semantics import Semantics
from semsynth.style import Style

DATA_SETS = {
    "ade20k": {"num_classes": 151, "size": (64, 64)},
    "coco_stuff": {"num_classes": 183, "edges": True, "size": (64, 64)},
    "cityscapes": {"num_classes": 35, "edges": True, "size": (64, 128), "upsamplings": 6},
}


def condition(m, n=2):
    labels = torch.randint(0, m.num_classes, (n, m.size[0] // 8, m.size[1] // 8))
    labels = labels.repeat_interleave(8, 1).repeat_interleave(8, 2)
    edges = (torch.rand(n, 1, *m.size) > 0.9).float() if m.edges else None
    return labels, edges, Semantics(labels, m.num_classes, edges)


@pytest.mark.parametrize("data", DATA_SETS)
def test_a_released_model_draws_and_judges_the_same(data, tmp_path):
    m = Model(**DATA_SETS[data])
    states = {"generator": released.generator_state(m), "encoder": official.encoder_state(),
              "discriminator": released.discriminator_state(m.num_classes + m.edges)}
    lines = import_run(save(tmp_path / "model", "200", **states), tmp_path / "run", f"size=[{m.size[0]},{m.size[1]}]")
    run, (labels, edges, maps) = runs.Run(tmp_path / "run"), condition(m)
    z, generator, cfg = torch.randn(2, m.z_dim), run.generator, run.config
    assert isinstance(generator, CCFPSEGenerator)
    with torch.no_grad():
        ours = generator(generator.prepare(maps), Style(vector=z))
    theirs = released.generate(states["generator"], m, labels, edges, z)
    assert 0.05 < theirs.std() < 0.95, "an image that says something"
    assert_close(ours, theirs, atol=1e-4, rtol=0)
    assert (cfg.dataset.name, cfg.dataset.edges, cfg.generator.upsamplings) == (data, m.edges, m.upsamplings)
    unread = 2 * sum(2 * min(fin, fout) + fin for fin, fout in m.blocks.values())
    assert f"generator: {unread} parameters are kept that nothing reads, as in the released network (*.norm_0, " \
           "*.conv_0.norm_layer, *.conv_2.norm_layer)" in lines
    assert setting_name(OmegaConf.to_container(cfg, resolve=True)).startswith("CC-FPSE")
    discriminator = hydra.utils.instantiate(cfg.discriminator).eval()
    discriminator.load_state_dict(run.saved.part("discriminator"))
    image = torch.rand(2, 3, *m.size)
    with torch.no_grad():
        predictions = [scale[-1] for scale in discriminator(maps, image)]
    for a, b in zip(predictions, released.discriminate(states["discriminator"], maps.one_hot(edges=m.edges), image),
                    strict=True):
        assert_close(a, b, atol=1e-4, rtol=1e-4)
    with torch.no_grad():
        mean, log_variance = run.encoder(image)
    expected = official.encode(states["encoder"], image)
    assert_close((mean, log_variance), expected, atol=1e-4, rtol=1e-4)


def test_without_a_style(tmp_path):
    m = Model(z_dim=0, edges=True)
    state = released.generator_state(m)
    import_run(save(tmp_path / "m", generator=state), tmp_path / "run", "size=64", "edges=true")
    labels, edges, maps = condition(m)
    generator = runs.Run(tmp_path / "run").generator
    with torch.no_grad():
        assert_close(generator(generator.prepare(maps)), released.generate(state, m, labels, edges), atol=1e-4, rtol=0)


def test_files_go_as_they_come(tmp_path):
    """Bit for bit, under the same names, what nothing reads included."""
    m = Model(num_classes=12, edges=True)
    states = {"generator": released.generator_state(m), "encoder": official.encoder_state(),
              "discriminator": released.discriminator_state(13)}
    import_run(save(tmp_path / "model", **states), tmp_path / "run", "dataset=scenes", "size=64",
               "dataset.instances=true")
    run = runs.Run(tmp_path / "run")
    source = Source(tmp_path / "run", OmegaConf.to_container(run.config), run.saved, run.weights, run.generator,
                    run.encoder)
    lines = export(source, "official", tmp_path / "out")
    for part, state in states.items():
        theirs = torch.load(tmp_path / "out" / f"latest_net_{part[0].upper()}.pth", weights_only=True)
        assert theirs.keys() == state.keys()
        assert all(torch.equal(theirs[key], state[key]) for key in state)
    assert any("--use_vae --z_dim 8" in line and "--no_instance" not in line for line in lines)
    assert any("64 features of the label map and 128 hidden channels, this one 4 and 6" in line for line in lines)


def test_the_released_names():
    """Of the specification, written out for one layer each."""
    names = {
        "pyramid.encoders.6.0.parametrizations.weight.original": "labelenc7.0.0.weight_orig",
        "pyramid.laterals.0.1.running_mean": "labellat1.0.1.running_mean",
        "pyramid.decoders.5.1.weight": "labeldec6.0.1.weight",
        "blocks.up_1.kernels_0.hidden.weight": "up_1.gen_weights1.0.weight",
        "blocks.up_1.kernels_1.output.bias": "up_1.gen_weights2.2.bias",
        "blocks.up_1.gate_0.hidden.weight": "up_1.gen_se_weights1.0.weight",
        "blocks.up_1.gate_1.output.weight": "up_1.gen_se_weights2.2.weight",
        "blocks.up_1.norm_0.weight": "up_1.norm_1.weight",
        "blocks.up_1.norm_1.bias": "up_1.norm_2.bias",
        "blocks.up_1.conv_0.weight": "up_1.conv_1.weight",
        "blocks.up_1.conv_1.weight": "up_1.conv_3.weight",
        "blocks.up_1.conv_s.parametrizations.weight.0._u": "up_1.conv_s.weight_u",
        "blocks.up_1.norm_s.base.running_var": "up_1.norm_s.param_free_norm.running_var",
        "blocks.up_1.norm_s.shared.weight": "up_1.norm_s.mlp_shared.0.weight",
        "blocks.up_1.norm_s.gamma.bias": "up_1.norm_s.mlp_gamma.bias",
        "blocks.up_1.unread.0.weight": "up_1.norm_0.weight",
        "blocks.up_1.unread.1.weight": "up_1.conv_0.norm_layer.weight",
        "blocks.up_1.unread.2.weight": "up_1.conv_2.norm_layer.weight"}
    assert {ours: CC_FPSE.official(ours) for ours in names} == names
    names = {"encoders.4.0.parametrizations.weight.0._v": "enc5.0.0.weight_v",
             "laterals.0.0.parametrizations.weight.original": "lat2.0.0.weight_orig",
             "decoders.2.0.parametrizations.weight.original": "final4.0.0.weight_orig",
             "score.weight": "tf.weight", "match.bias": "seg.bias", "embedding.weight": "embedding.weight"}
    assert {ours: FPSE.official(ours) for ours in names} == names


@pytest.mark.parametrize(("change", "overrides", "message"), [
    (lambda s: s.update({"head_0.gen_weights1.0.weight": torch.zeros(6, 8, 3, 3)}), [], "reads 8 channels, but label"),
    (lambda s: s.pop("up_2.norm_1.weight"), [], r"up_2\.norm_1\.weight"),
    (lambda s: None, ["upsamplings=6"], "has features of the label map for 5"),
])
def test_refusals(change, overrides, message, tmp_path):
    state = released.generator_state(Model(num_classes=151))
    change(state)
    with pytest.raises(CheckpointError, match=message):
        import_run(save(tmp_path / "m", generator=state), tmp_path / "run", "size=64", *overrides)


def test_another_discriminator_is_refused(tmp_path):
    states = {"generator": released.generator_state(Model(num_classes=151)),
              "discriminator": released.discriminator_state(36)}
    with pytest.raises(CheckpointError, match="reads 36 channels of label maps and 3 of images, this generator has 151"):
        import_run(save(tmp_path / "m", **states), tmp_path / "run", "size=64")
