import pytest
import torch
from sklearn.metrics import r2_score

from semsynth.metrics.style_recovery import STYLES, StyleRecovery, r_squared


class Mean:
    def predict(self, images):
        return images.mean((2, 3))


def test_r_squared_is_scikit_learns():
    reference, values = torch.rand(20, 3), torch.rand(20, 3)
    expected = r2_score(reference, values, multioutput="raw_values")
    assert r_squared(reference, values).tolist() == pytest.approx(expected.tolist(), rel=1e-6)
    assert r_squared(torch.ones(4, 1), torch.ones(4, 1)).isnan().all()


def test_recovery_compares_readings_and_validates_the_reader():
    style, result = torch.rand(12, 3, 4, 4), torch.rand(12, 3, 4, 4)
    truth = style.mean((2, 3)) + 0.01 * torch.randn(12, 3)
    recovery = StyleRecovery(Mean())
    for part in (slice(0, 5), slice(5, 12)):
        recovery.update(result[part], style[part], truth[part])
    transfer, validation = recovery.compute()
    assert list(transfer) == list(STYLES)
    assert transfer["time"] == pytest.approx(r2_score(style.mean((2, 3))[:, 0], result.mean((2, 3))[:, 0]), rel=1e-5)
    assert validation["hue"] == pytest.approx(r2_score(truth[:, 2], style.mean((2, 3))[:, 2]), rel=1e-5)
    recovery.reset()
    recovery.update(style, style)
    transfer, validation = recovery.compute()
    assert transfer == pytest.approx(dict.fromkeys(STYLES, 1.0))
    assert validation == {}
