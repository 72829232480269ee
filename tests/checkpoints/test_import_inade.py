"""Released files of INADE become runs with the same pictures and codes, and runs of INADE become such files."""

import official
import pytest
import released_inade as released
import torch
from importing import import_run, save
from omegaconf import OmegaConf
from torch.testing import assert_close

from semsynth import runs
from semsynth.checkpoints.layouts import INADE, INSTANCE_ENCODER, LAYOUTS
from semsynth.errors import CheckpointError
from semsynth.exporting.export import export
from semsynth.exporting.source import Source
from semsynth.semantics import Semantics
from semsynth.style import Style

# classes, size, upsamplings, numbers of an instance, words of the command
SETS = {"ade20k": (151, (64, 64), 5, 4, []), "celeba": (19, (64, 64), 5, 4, []),
        "cityscapes": (35, (64, 128), 6, 4, []), "deepfashion": (8, (64, 64), 5, 2, [])}


@pytest.fixture(scope="module", params=SETS)
def model(request, tmp_path_factory):
    """The data set, the states, and the run that comes of them."""
    data, folder = request.param, tmp_path_factory.mktemp(request.param)
    classes, (height, width), upsamplings, noise, words = SETS[data]
    states = {"generator": released.generator_state(classes, (height >> upsamplings, width >> upsamplings), noise)}
    save(folder / "model", "best", **states)
    states["encoder"] = released.encoder_state(noise)
    letter = "IE" if data == "celeba" else "E"
    torch.save(states["encoder"], folder / "model" / f"best_net_{letter}.pth")
    import_run(folder / "model", folder / "run", f"size=[{height},{width}]", *words)
    return data, states, runs.Run(folder / "run")


def test_it_draws_and_encodes_the_same(model):
    data, states, run = model
    classes, size, upsamplings, noise, _ = SETS[data]
    assert run.config.dataset.name == {"celeba": "celebamask_hq", "deepfashion": "folder"}.get(data, data)
    assert run.config.dataset.instances == (data == "cityscapes")
    labels = torch.randint(0, classes, (2, size[0] // 16, size[1] // 16))
    labels = labels.repeat_interleave(16, 1).repeat_interleave(16, 2)
    numbers = (torch.arange(size[1]) // 24).expand_as(labels)
    semantics = Semantics(labels, classes, instances=numbers)
    regions = semantics.regions()
    # in double precision: random weights make more of a rounding than trained ones do
    generator = run.generator.double()
    state = {key: v.double() if v.is_floating_point() else v for key, v in states["generator"].items()}
    vector, codes = torch.randn(2, 6).double(), torch.randn(2, regions.classes.shape[1], 2, noise).double()
    with torch.no_grad():
        ours = generator(generator.prepare(semantics), Style(vector=vector, instances=codes.flatten(2)))
    grid = size[0] >> upsamplings, size[1] >> upsamplings
    theirs = released.generate(state, labels, regions.index, vector, codes, grid, upsamplings == 6)
    assert theirs.std() > 0.05
    assert_close(ours, theirs, atol=1e-8, rtol=0)

    images = torch.randn(2, 3, *size).double()
    encoder = run.encoder.double()
    with torch.no_grad():
        posterior = encoder.encode(images, semantics).posterior
    wanted = released.encode({k: v.double() for k, v in states["encoder"].items()}, images, regions.index)
    for found, expected in zip((posterior.mean, posterior.log_variance), wanted, strict=True):
        assert_close(found, expected.flatten(2), atol=1e-8, rtol=0)


def test_it_is_exported_bit_for_bit(model, tmp_path):
    _, states, run = model
    source = Source(run.path, OmegaConf.to_container(run.config), run.saved, run.weights, run.generator, run.encoder)
    lines = export(source, "official", tmp_path / "out")
    for part, state in states.items():
        written = torch.load(tmp_path / "out" / f"latest_net_{part[0].upper()}.pth", weights_only=True)
        assert written.keys() == state.keys()
        assert all(torch.equal(written[key], state[key]) for key in state)
    assert any("a vector of 6 numbers" in line for line in lines)


def test_layouts_and_entries():
    generator, encoder = released.generator_state(5, (2, 2)), released.encoder_state()
    assert (len(generator), len(encoder)) == (198, 24)
    for state, layout in ((generator, INADE), (encoder, INSTANCE_ENCODER)):
        assert [found for found in LAYOUTS if found.recognise(state)] == [layout]


def test_wrong_files_are_refused(tmp_path):
    state = released.generator_state(151, (2, 2))
    for name, encoder, words in (("a", released.encoder_state(3), "codes of 3 numbers"),
                                 ("b", official.encoder_state(), "none of INADE")):
        with pytest.raises(CheckpointError, match=words):
            import_run(save(tmp_path / name, generator=state, encoder=encoder), tmp_path / "r", "size=64")
    sketch = state | {"head_0.norm_0.sketch_conv.weight": torch.zeros(16, 1, 3, 3)}
    with pytest.raises(CheckpointError, match="a branch for sketches"):
        import_run(save(tmp_path / "c", generator=sketch), tmp_path / "r", "size=64")
