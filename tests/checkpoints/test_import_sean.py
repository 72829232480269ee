"""The released file of SEAN becomes a run with the same pictures and codes, and runs of SEAN become such files."""

from dataclasses import replace

import pytest
import released_sean
import torch
from importing import import_run, save
from omegaconf import OmegaConf
from torch.testing import assert_close

from semsynth import Synthesizer, runs
from semsynth.checkpoints.layouts.sean import SEAN, SEAN_ENCODER, a_layer_each, one_layer
from semsynth.checkpoints.sean import parts_in
from semsynth.discriminators.patchgan import MultiscaleDiscriminator
from semsynth.encoders.regions import RegionStyleEncoder
from semsynth.errors import CheckpointError, ConfigError, EvaluationError, StyleError
from semsynth.evaluation.sources import Options, of_run
from semsynth.exporting.export import export
from semsynth.exporting.source import Source
from semsynth.generators.sean import SEANGenerator
from semsynth.metrics.protocol import Protocol
from semsynth.norms.ace import ACE, ACE_CLADE
from semsynth.norms.schedule import Mixed
from semsynth.semantics import Semantics
from semsynth.style import Style
from semsynth.synthesis.map_styles import MapStyles
from semsynth.synthesis.references import Reference

K = 5


def double(state):
    return {key: value.double() if value.is_floating_point() else value for key, value in state.items()}


def source_of(run):
    kept = runs.Run(run)
    return Source(run, OmegaConf.to_container(kept.config), kept.saved, kept.weights, kept.generator, kept.encoder)


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    """The released state dict, and the run that was made of it."""
    folder = tmp_path_factory.mktemp("sean")
    state = released_sean.generator_state(K)
    lines = import_run(save(folder / "models", generator=state), folder / "run", "size=64")
    assert any(line.startswith("encoder: latest_net_G.pth, SEAN's encoder") for line in lines)
    return state, folder / "run"


def test_a_released_model_encodes_and_draws_the_same(imported):
    state, path = imported
    labels = torch.randint(0, K, (2, 8, 8)).repeat_interleave(8, 1).repeat_interleave(8, 2)
    image, noise = torch.rand(2, 3, 64, 64).double() * 2 - 1, torch.randn(2, 18, 64, 64).double()
    run = runs.Run(path)
    generator, encoder = run.generator.double(), run.encoder.double()
    semantics = Semantics(labels, K)
    codes = released_sean.encode(double(state), K, image, labels)
    expected = released_sean.generate(double(state), K, labels, codes, noise)
    assert expected.std() > 0.05
    with torch.no_grad():
        assert_close(encoder.encode(image, semantics).classes.double(), codes, atol=1e-5, rtol=1e-5)
        ours = generator(generator.prepare(semantics), Style(classes=codes, noise=noise))
        assert_close(ours, expected, atol=1e-8, rtol=0)
        fast = run.generator.float().optimize_for_inference()
        drawn = fast(fast.prepare(Semantics(labels, K)), Style(classes=codes.float(), noise=noise.float()))
    assert_close(drawn.double(), expected, atol=1e-4, rtol=0)


def test_it_draws_in_the_style_of_a_photograph(imported):
    synthesizer = Synthesizer.from_run(imported[1])
    labels = torch.randint(0, K, (1, 8, 8)).repeat_interleave(8, 1).repeat_interleave(8, 2)
    image = torch.rand(1, 3, 64, 64) * 2 - 1
    drawn = synthesizer(labels, style=image, style_labels=labels)
    assert torch.equal(drawn, synthesizer(labels, style=synthesizer.encode(image, labels)))
    assert not torch.equal(drawn, synthesizer(labels, style=image, style_labels=labels, seed=1))  # of the noise
    with pytest.raises(StyleError, match="give style_labels"):
        synthesizer(labels, style=image)


def test_without_average_codes_nothing_is_drawn(imported):
    synthesizer, run = Synthesizer.from_run(imported[1]), runs.Run(imported[1])
    labels = torch.zeros(1, 64, 64, dtype=torch.int64)
    style = synthesizer.encode(torch.rand(1, 3, 64, 64) * 2 - 1, labels)
    for words in ({"seed": 1}, {}, {"style": style, "resample": synthesizer.class_names[0]}):
        with pytest.raises(StyleError, match="has none: take the style of a picture, import the network with codes="):
            synthesizer(labels, **words)
    with pytest.raises(StyleError, match="has none: take the style of a picture"):
        MapStyles(run.generator, samples=2)
    MapStyles(run.generator, [Reference(style)])
    for protocol, wanted in ((Protocol("own", style="normal"), ["fid"]), (Protocol("own", style="image"), None)):
        with pytest.raises(EvaluationError, match=r"codes=.*\. protocol\.style=image protocol\.diversity_maps=0"):
            of_run(run, None, Options(protocol, wanted=wanted))


def test_all_names_of_the_released_file():
    released = released_sean.generator_state(19)
    assert len(released) == 982
    with torch.device("meta"):
        generator = SEANGenerator(Mixed(ACE, lambda *a, **k: ACE(*a, styled=False, **k), 6), 19)
        encoder = RegionStyleEncoder()
    for part, layout, network in (("generator", SEAN, generator), ("encoder", SEAN_ENCODER, encoder)):
        state = parts_in(one_layer(released))[part]
        assert layout.recognise(state)
        names = set(layout.table(network.state_dict()).values())
        assert names == {key for key in state if ".Spade.param_free_norm." not in key}


def test_what_is_imported_is_exported_bit_for_bit(imported, tmp_path):
    state, run = imported
    lines = export(source_of(run), "official", tmp_path / "out")
    written = torch.load(tmp_path / "out" / "latest_net_G.pth", weights_only=True)
    assert written.keys() == state.keys()
    assert all(torch.equal(written[key], state[key]) for key in state)
    assert any("--label_nc 5 --no_instance" in line for line in lines)
    assert any("the released code has 19 classes, this run 5" in line for line in lines)


def test_a_class_without_a_layer_is_refused(tmp_path):
    state = released_sean.generator_state(K)
    del state["head_0.ace_0.fc_mu2.weight"]
    with pytest.raises(CheckpointError, match=r"latest_net_G.pth: head_0.ace_0.fc_mu.weight is there for the classes "
                                              "0, 1, 3, 4"):
        import_run(save(tmp_path / "models", generator=state), tmp_path / "run", "size=64")


def test_layers_of_classes_come_together_and_apart():
    state = released_sean.generator_state(3)
    again = a_layer_each(one_layer(state))
    assert again.keys() == state.keys()
    assert all(torch.equal(again[key], state[key]) for key in state)


def test_a_discriminator_beside_it(tmp_path):
    network = MultiscaleDiscriminator(K, ndf=2, num_layers=3, last_stride=2)
    names = {"layers.0.0.": "model0.0.", "layers.1.0.": "model1.0.0.", "layers.2.0.": "model2.0.0.",
             "layers.3.": "model3.0."}
    released = {}
    for key, value in network.state_dict().items():
        scale, rest = key.removeprefix("scales.").split(".", 1)
        ours = next(name for name in names if rest.startswith(name))
        rest = names[ours] + rest.removeprefix(ours)
        for modern, old in (("parametrizations.weight.original", "weight_orig"),
                            ("parametrizations.weight.0._u", "weight_u"), ("parametrizations.weight.0._v", "weight_v")):
            rest = rest.replace(modern, old)
        released[f"discriminator_{scale}.{rest}"] = value
    assert len(released) == 20
    source = save(tmp_path / "models", generator=released_sean.generator_state(K), discriminator=released)
    import_run(source, tmp_path / "run", "size=64")
    made = runs.Run(tmp_path / "run")
    assert made.config.discriminator.last_stride == 2
    assert made.saved.part("discriminator").keys() == network.state_dict().keys()


def test_sean_clade_has_no_released_layout(imported, tmp_path):
    norm = Mixed(lambda *a, **k: ACE_CLADE(*a, codes=6, **k), lambda *a, **k: ACE_CLADE(*a, styled=False, **k), 6)
    source = replace(source_of(imported[1]), generator=SEANGenerator(norm, K, size=(64, 64), ngf=1))
    state = source.generator.state_dict()
    source.saved.part = lambda part, weights=None: state if part == "generator" else None
    with pytest.raises(ConfigError, match="no released layout holds this generator"):
        export(source, "official", tmp_path / "out")
