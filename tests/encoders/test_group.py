"""The encoder of GroupDNet against a loop over pictures and classes."""

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from semsynth.encoders.group import GroupEncoder, class_crops
from semsynth.semantics import Semantics

K = 4


def looped(image, labels, size):
    """The crops, class by class."""
    crops = []
    for picture, own in zip(image, labels, strict=True):
        for k in range(K):
            masked = picture * (own == k)
            ys, xs = (own == k).nonzero(as_tuple=True)
            if len(ys):
                masked = masked[:, ys.min():ys.max() + 1, xs.min():xs.max() + 1]
            crops.append(F.interpolate(masked[None], size, mode="nearest")[0])
    return torch.stack(crops).view(len(image), -1, *size)


@pytest.mark.parametrize("size", [(16, 16), (8, 24), (40, 32)])
def test_crops(size):
    labels = torch.randint(0, K - 1, (3, 5, 6)).repeat_interleave(4, 1).repeat_interleave(5, 2)
    labels[0] = 1
    labels[1, 7, 11] = 3  # a class of one pixel
    image = torch.randn(3, 3, 20, 30)
    assert_close(class_crops(image, labels, K, size), looped(image, labels, size), rtol=0, atol=0)


def test_codes_of_pictures_of_another_size_and_of_absent_classes():
    encoder = GroupEncoder(K, size=(32, 64), code=3, class_width=2).eval()
    labels = torch.zeros(2, 20, 30, dtype=torch.int64)
    labels[1, :5] = 2
    images = torch.randn(2, 3, 20, 30)
    style = encoder.encode(images, Semantics(labels, K))
    assert style.posterior.of == "classes"
    assert style.classes.shape == style.posterior.log_variance.shape == (2, K, 3 * 4 * 8)
    assert torch.equal(style.classes[0, 3], style.classes[1, 3])  # nobody has class 3
    assert style.sampled().classes.shape == style.classes.shape
    alone = encoder.encode(images[1:], Semantics(labels[1:], K))
    assert_close(alone.classes, style.classes[1:])


def test_refusals():
    encoder = GroupEncoder(K, size=(16, 16), class_width=2)
    with pytest.raises(ValueError, match="label map of the picture"):
        encoder.encode(torch.randn(1, 3, 16, 16))
    with pytest.raises(ValueError, match="its label map of"):
        encoder.encode(torch.randn(1, 3, 16, 16), Semantics(torch.zeros(1, 8, 8).long(), K))
    with pytest.raises(ValueError, match="upsamplings=3"):
        GroupEncoder(K, size=(20, 20), upsamplings=3)
