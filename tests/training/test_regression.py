"""A generator alone, its optimizer and its terms."""

from functools import partial

import pytest
import torch

from semsynth.generators.crn import CRNGenerator
from semsynth.losses.pixel_regression import PixelRegression
from semsynth.training.regression import RegressionSystem


def make(tiny, generator=None, term=None, **settings):
    torch.manual_seed(0)
    generator = generator or CRNGenerator(tiny.classes, size=(8, 8), ngf=1)
    return RegressionSystem(generator, None, {"generator": {"regression": term or PixelRegression()}},
                            {"generator": partial(torch.optim.Adam, lr=1e-2)},
                            **{"num_classes": tiny.classes, "epochs": 3, **settings})


def test_the_generator_learns(tiny, tmp_path):
    system = make(tiny)
    trainer = tiny.trainer(tmp_path, max_epochs=3)
    trainer.fit(system, tiny.data())
    assert trainer.global_step == 18  # one optimizer
    assert len(system.both_optimizers()) == 1
    assert system.discriminator is None
    assert not [name for name in system.state_dict() if not name.startswith("generator.")]


def test_accumulated_batches_are_one_step(tiny, tmp_path):
    """Of two batches the mean."""
    one, two = make(tiny, accumulate=2), make(tiny)
    tiny.trainer(tmp_path, max_epochs=1).fit(one, tiny.data(batch=2))
    tiny.trainer(tmp_path, max_epochs=1).fit(two, tiny.data(batch=4))
    for a, b in zip(one.generator.parameters(), two.generator.parameters(), strict=True):
        torch.testing.assert_close(a, b, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("pictures", [1, 3])
def test_the_terms_see_all_pictures(pictures, tiny, tmp_path):
    seen = []

    def term(inputs):
        seen.append(inputs)
        return (inputs.fake if inputs.pictures is None else inputs.pictures).square().mean()

    generator = CRNGenerator(tiny.classes, size=(8, 8), ngf=1, pictures=pictures)
    tiny.trainer(tmp_path, max_epochs=1, limit_train_batches=1).fit(make(tiny, generator, tiny.term(term)), tiny.data())
    assert seen[0].fake.shape == (2, 3, 8, 8)
    assert (seen[0].pictures is None) == (pictures == 1)
    if pictures > 1:
        assert seen[0].pictures.shape == (2, 3, 3, 8, 8)
        assert torch.equal(seen[0].pictures[:, 0], seen[0].fake)
    assert seen[0].fake_maps == seen[0].real_maps == []


def test_only_the_parts_that_are_named_train(tiny, tmp_path):
    parts = ["stages.1", "to_image"]
    system = make(tiny, trained_parts=parts)
    before = {name: value.clone() for name, value in system.generator.state_dict().items()}
    tiny.trainer(tmp_path, max_epochs=1).fit(system, tiny.data())
    for name, value in system.generator.state_dict().items():
        assert torch.equal(value, before[name]) != name.startswith(tuple(parts)), name
    for wrong in (["stages.7"], []):
        with pytest.raises(ValueError, match=r"trained_parts=.* CRNGenerator: stages, stages\.0, stages\.1, to_image"):
            make(tiny, trained_parts=wrong)
