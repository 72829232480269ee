import pytest
import torch
from torch.testing import assert_close

from semsynth.style import Posterior, Style, cat


def test_a_posterior_is_drawn_with_its_mean_and_deviation():
    torch.manual_seed(0)
    z = Posterior(torch.full((20000, 1), 3.0), torch.full((20000, 1), 2 * 0.5)).sample()
    assert_close(z.mean(), torch.tensor(3.0), atol=0.05, rtol=0)
    assert_close(z.std(), torch.tensor(0.5).exp(), atol=0.05, rtol=0)


def test_a_posterior_in_bfloat16_is_drawn_in_float32():
    assert Posterior(torch.zeros(2, 3).bfloat16(), torch.zeros(2, 3).bfloat16()).sample().dtype == torch.float32


def by_class():
    """Two pictures with a vector and codes for three classes, from an encoder that is sure of the latter."""
    classes = torch.arange(24.0).view(2, 3, 4)
    return Style(vector=torch.arange(4.0).view(2, 2), classes=classes,
                 posterior=Posterior(classes, torch.full_like(classes, -200), of="classes"))


def test_slices_and_moves_take_every_code_and_the_posterior():
    one = by_class()[1:].to(torch.float64)
    assert len(one) == 1
    assert one.vector.tolist() == [[2, 3]]
    assert one.classes.dtype == one.posterior.mean.dtype == one.posterior.log_variance.dtype == torch.float64
    assert torch.equal(one.posterior.mean, one.classes)
    assert len(cat([one, by_class()[:1].to(torch.float64)])) == 2


@pytest.mark.parametrize("order", [slice(None), slice(None, None, -1)])
def test_styles_of_different_codes_are_not_one(order):
    few, more = Style(classes=torch.zeros(1, 2, 3)), Style(classes=torch.zeros(1, 2, 3), vector=torch.zeros(1, 4))
    with pytest.raises(ValueError, match="one style has .*classes and another .*classes"):
        cat([few, more][order])


def test_only_what_the_encoder_speaks_of_is_drawn():
    style = by_class()
    drawn = style.sampled(lambda shape: torch.ones(shape))
    assert torch.equal(drawn.vector, style.vector)
    assert_close(drawn.classes, style.classes)
    assert Style(vector=style.vector).sampled().vector is style.vector


def test_a_class_takes_the_look_of_another_picture_and_the_others_keep_theirs():
    style = by_class()
    changed = style[:1].with_class(1, style[1:])
    assert changed.classes[0].tolist() == [[0, 1, 2, 3], [16, 17, 18, 19], [8, 9, 10, 11]]
    assert style.classes[0, 1].tolist() == [4, 5, 6, 7]
    assert changed.posterior is None  # which would draw the old look again
    with pytest.raises(ValueError, match="codes by class"):
        Style(vector=torch.zeros(1, 2)).with_class(0, style)


def test_averages_and_ways_between():
    style = by_class()
    assert style.mean().vector.tolist() == [[1, 2]]
    assert style[:1].between(style[1:], 0.25).vector.tolist() == [[0.5, 1.5]]
    with pytest.raises(ValueError, match="one style has vector, classes and the other vector"):
        style.between(Style(vector=style.vector), 0.5)


def test_codes_are_for_as_many_pictures_each():
    with pytest.raises(ValueError, match="vector for 2, classes for 3"):
        Style(vector=torch.zeros(2, 4), classes=torch.zeros(3, 5, 4))
    with pytest.raises(ValueError, match="one code or more"):
        Style()
    assert len(Style(vector=torch.zeros(1, 4)).spread(3)) == 3
    with pytest.raises(ValueError, match="2 styles for 3 label maps"):
        by_class().spread(3)
