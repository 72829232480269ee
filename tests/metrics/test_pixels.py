"""What images are told to hold."""

import pytest
import torch

from semsynth.errors import EvaluationError
from semsynth.metrics.pixels import check_finite


@pytest.mark.parametrize(("bad", "message"), [
    ({1: torch.nan}, "run: the image for b holds NaN or infinite values. Take an earlier"),
    ({1: torch.inf, 2: -torch.inf}, "run: the image for b holds NaN or infinite values, and 1 more of its batch do."),
    ({0: torch.nan, 1: torch.nan, 2: torch.inf}, "run: the image for a .*, and 2 more of its batch do."),
])
def test_the_first_image_with_no_number_is_named_and_the_others_are_counted(bad, message):
    images = torch.rand(3, 3, 4, 4)
    check_finite(images, "abc", "run")
    for index, value in bad.items():
        images[index, -1, -1, -1] = value
    with pytest.raises(EvaluationError, match=message):
        check_finite(images, "abc", "run")
