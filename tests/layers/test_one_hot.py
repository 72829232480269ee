import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from semsynth.layers.one_hot import one_hot_conv2d, reflected


@pytest.mark.parametrize(("count", "kernel", "bias"), [(1, 7, True), (3, 3, False), (2, 1, True)])
def test_the_sum_of_rows_is_the_convolution(count, kernel, bias):
    torch.manual_seed(0)
    index = torch.randint(5, (count, 12, 9))
    weight, bias = torch.randn(4, 5, kernel, kernel), torch.randn(4) if bias else None
    dense = F.conv2d(F.one_hot(index, 5).permute(0, 3, 1, 2).float(), weight, bias)
    assert_close(one_hot_conv2d(index, weight, bias), dense)


def test_labels_are_mirrored_as_pictures_are():
    index = torch.randint(9, (2, 7, 5))
    mirrored = F.pad(index[:, None].float(), (3, 3, 3, 3), mode="reflect")[:, 0].long()
    assert torch.equal(reflected(index, 3), mirrored)
