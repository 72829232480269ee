"""Released files of OASIS become runs with the same pictures and judgements, and runs of OASIS become such files."""

import pytest
import released_oasis
import torch
from importing import import_run
from omegaconf import OmegaConf
from torch.testing import assert_close

from semsynth import runs
from semsynth.checkpoints.layouts import LAYOUTS
from semsynth.checkpoints.layouts.class_order import ClassOrder
from semsynth.discriminators.oasis import OASISDiscriminator
from semsynth.errors import CheckpointError, ConfigError
from semsynth.exporting.export import export
from semsynth.exporting.source import Source
from semsynth.generators.oasis import OASISGenerator
from semsynth.norms.spade_noise import SPADE_Noise
from semsynth.semantics import Semantics
from semsynth.style import Style

# classes, size, and their number for ours
DATA_SETS = {"ade20k": (151, (64, 64), lambda k: k), "cityscapes": (35, (64, 128), lambda k: k),
             "coco_stuff": (183, (64, 64), lambda k: (k + 1) % 183)}


def save(folder, epoch="best", **states):
    """Files of a released OASIS: EMA=..., G=..., D=..."""
    folder.mkdir()
    for part, state in states.items():
        torch.save(state, folder / f"{epoch}_{part}.pth")
    return folder


@pytest.mark.parametrize("data", DATA_SETS)
def test_a_released_model_draws_and_judges_the_same(data, tmp_path):
    classes, size, theirs = DATA_SETS[data]
    g, d = released_oasis.generator_state(classes), released_oasis.discriminator_state(classes)
    other = {key: torch.zeros_like(value) for key, value in g.items()}
    source = save(tmp_path / "models", EMA=g, G=other, D=d)
    lines = import_run(source, tmp_path / "run", f"size=[{size[0]},{size[1]}]")
    run = runs.Run(tmp_path / "run")
    assert any("best_EMA.pth" in line for line in lines)
    assert run.config.dataset.name == data
    labels = torch.randint(0, classes, (2, size[0] // 8, size[1] // 8))
    labels = labels.repeat_interleave(8, 1).repeat_interleave(8, 2)
    labels[:, :2] = torch.randint(0, classes, labels[:, :2].shape)
    noise = torch.randn(2, 64).double()
    # in double precision: random weights make more of a rounding than trained ones do
    generator, g = run.generator.double(), {key: v.double() if v.is_floating_point() else v for key, v in g.items()}
    with torch.no_grad():
        ours = generator(generator.prepare(Semantics(labels, classes)), Style(vector=noise))
    expected = released_oasis.generate(g, classes, theirs(labels), noise[:, :, None, None].expand(-1, -1, *size))
    assert expected.std() > 0.05
    assert_close(ours, expected, atol=1e-8, rtol=0)
    spatial = torch.randn(2, 64, *size).double()
    with torch.no_grad():
        ours = generator(generator.prepare(Semantics(labels, classes)), Style(noise=spatial))
    assert_close(ours, released_oasis.generate(g, classes, theirs(labels), spatial), atol=1e-8, rtol=0)

    network = OASISDiscriminator(classes, ndf=2)
    network.load_state_dict(run.saved.part("discriminator"))
    logits = network.eval()(Semantics(labels, classes), expected.float())[0][-1]
    wanted = released_oasis.discriminate(d, expected.float())
    assert_close(logits[:, -1], wanted[:, 0], atol=1e-4, rtol=1e-4)
    assert_close(logits[:, :-1], wanted[:, [1 + theirs(k) for k in range(classes)]], atol=1e-4, rtol=1e-4)


def test_which_files_are_taken(tmp_path):
    g = released_oasis.generator_state(151)
    for epoch in ("latest", "best", "5000"):
        for part in ("EMA", "G"):
            (tmp_path / "models").mkdir(exist_ok=True)
            torch.save(g, tmp_path / "models" / f"{epoch}_{part}.pth")
    choices = {"best_EMA.pth": [], "latest_EMA.pth": ["epoch=latest"], "5000_EMA.pth": ["epoch=5000"]}
    for number, (name, words) in enumerate(choices.items()):
        lines = import_run(tmp_path / "models", tmp_path / f"run{number}", "size=64", *words)
        assert any(name in line for line in lines)
    lines = import_run(tmp_path / "models" / "latest_G.pth", tmp_path / "raw", "size=64")
    assert any("latest_G.pth" in line for line in lines)


def test_all_names_of_the_released_files():
    """Our networks have the entries that the released files are said to have, and no others."""
    with torch.device("meta"):
        networks = {"generator": OASISGenerator(SPADE_Noise, 151), "discriminator": OASISDiscriminator(151)}
    released = {part: getattr(released_oasis, f"{part}_state")(151) for part in networks}
    for part, count in {"generator": 208, "discriminator": 130}.items():
        layout, = (x for x in LAYOUTS if x.part == part and x.recognise(released[part]))
        names = set(layout.table(networks[part].state_dict()).values())
        assert names == released[part].keys()
        assert len(names) == count


def test_wrong_files_are_refused(tmp_path):
    g = released_oasis.generator_state(151)
    with pytest.raises(CheckpointError, match="six blocks"):
        import_run(save(tmp_path / "a", EMA=g), tmp_path / "r", "size=64", "upsamplings=6")
    with pytest.raises(CheckpointError, match="64 of noise"):
        import_run(save(tmp_path / "b", G=released_oasis.generator_state(0)), tmp_path / "r", "size=64")
    with pytest.raises(CheckpointError, match="tells 35 classes"):
        import_run(save(tmp_path / "c", EMA=g, D=released_oasis.discriminator_state(35)), tmp_path / "r", "size=64")


def test_class_order_is_a_permutation():
    order = ClassOrder(5, unknown=3)
    axes, key, theirs = {"key": 1}, "key", torch.randn(2, 7)
    ours = order.ours(axes, key, theirs)
    assert torch.equal(order.theirs(axes, key, ours), theirs)
    assert torch.equal(ours[:, 3], theirs[:, 2])  # the unknown class, behind two others
    assert torch.equal(ours[:, -2:], theirs[:, :2])
    assert torch.equal(ours[:, [0, 1, 2, 4]], theirs[:, 3:])
    assert torch.equal(order.ours(axes, "other", theirs), theirs)


def source_of(run):
    kept = runs.Run(run)
    return Source(run, OmegaConf.to_container(kept.config), kept.saved, kept.weights, kept.generator, kept.encoder)


def test_what_is_imported_is_exported_bit_for_bit(tmp_path):
    g, d = released_oasis.generator_state(183), released_oasis.discriminator_state(183)
    import_run(save(tmp_path / "models", EMA=g, D=d), tmp_path / "run", "size=64")
    lines = export(source_of(tmp_path / "run"), "official", tmp_path / "out")
    for name, state in {"latest_G.pth": g, "latest_D.pth": d}.items():
        written = torch.load(tmp_path / "out" / name, weights_only=True)
        assert written.keys() == state.keys()
        assert all(torch.equal(written[key], state[key]) for key in state)
    assert any("unknown class comes first" in line for line in lines)


def test_oasis_with_clade_has_no_released_layout(tmp_path):
    import_run(save(tmp_path / "models", EMA=released_oasis.generator_state(151)), tmp_path / "run", "size=64")
    source = source_of(tmp_path / "run")
    state = {key.replace(".shared.", ".other."): value for key, value in source.saved.part("generator").items()}
    source.saved.part = lambda part, weights=None: state if part == "generator" else None
    with pytest.raises(ConfigError, match="no released layout holds this generator"):
        export(source, "official", tmp_path / "out")
