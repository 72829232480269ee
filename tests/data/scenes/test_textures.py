import numpy as np
import pytest

from semsynth.data.scenes import textures


def test_every_texture_is_centred_and_plain_is_flat():
    values, _ = textures.bank(64, 96)
    planes = values.reshape(-1, textures.plane(64, 96))
    assert planes.shape[0] == 7
    assert not planes[textures.PLAIN].any()
    np.testing.assert_allclose(planes[1:].mean(1), 0, atol=0.02)
    np.testing.assert_allclose(planes[1:].std(1), 1, atol=0.1)


@pytest.mark.parametrize("kind", [textures.GRASS, textures.WATER, textures.LEAVES])
def test_noise_is_the_same_at_every_size(kind):
    small, large = (textures.bank(n, n)[0].reshape(-1, n * 3 // 2, n * 3 // 2)[kind] for n in (128, 256))
    pooled = large.reshape(192, 2, 192, 2).mean((1, 3))
    assert np.corrcoef(small.ravel(), pooled.ravel())[0, 1] > 0.9


def test_shifted_grid_stays_inside_its_texture():
    values, grid = textures.bank(20, 36)
    assert grid.shape == (20, 36)
    last = grid.max() + textures.shift(20, 36, 0.999999, 0.999999)
    assert last < textures.plane(20, 36) == values.size // 7


def test_shift_moves_rows_and_columns():
    width = 36 + 10  # with the margin
    assert textures.shift(20, 36, 0.5, 0.0) == 5 * width
    assert textures.shift(20, 36, 0.0, 0.5) == 5
