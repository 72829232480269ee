import torch
from torch.testing import assert_close

from semsynth.training.style import sample_posterior


def test_mean_and_deviation():
    torch.manual_seed(0)
    z = sample_posterior(torch.full((20000, 1), 3.0), torch.full((20000, 1), 2 * 0.5))
    assert_close(z.mean(), torch.tensor(3.0), atol=0.05, rtol=0)
    assert_close(z.std(), torch.tensor(0.5).exp(), atol=0.05, rtol=0)


def test_float32_from_bf16():
    assert sample_posterior(torch.zeros(2, 3).bfloat16(), torch.zeros(2, 3).bfloat16()).dtype == torch.float32
