import pytest
import torch

from semsynth.training.photometric import Photometric, RandomZoom


def test_images_stay_in_their_range_and_differ_from_each_other():
    images = (torch.rand(1, 3, 16, 16) * 2 - 1).repeat(2, 1, 1, 1)
    changed = Photometric()(images)
    assert changed.shape == images.shape
    assert changed.abs().max() <= 1
    assert not torch.equal(changed[0], changed[1])


def test_zeros_change_nothing():
    images = torch.rand(2, 3, 8, 8) * 2 - 1
    assert torch.equal(Photometric(0, 0, 0, 0, 0)(images), images)


def test_each_change_keeps_what_it_should():
    images = torch.rand(4, 3, 16, 16) - 0.5
    grey = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
    saturated = Photometric(0, 0, 0.3, 0, 0)(images)
    torch.testing.assert_close((saturated * grey).sum(1), (images * grey).sum(1))
    contrast = Photometric(0, 0.3, 0, 0, 0)(images)
    torch.testing.assert_close(contrast.mean((1, 2, 3)), images.mean((1, 2, 3)))
    shift = Photometric(0.2, 0, 0, 0, 0)(images) - images
    assert shift.flatten(1).std(1).max() < 1e-6
    flat = torch.full((2, 3, 8, 8), 0.3)
    torch.testing.assert_close(Photometric(0, 0, 0, 1, 0)(flat), flat)


def test_coarse_pictures_show_no_more_than_smaller_ones_do():
    fine = torch.ones(1, 3, 16, 24)
    fine[..., ::2] = -1
    torch.manual_seed(0)
    contrasts = [Photometric(0, 0, 0, 0, 0, coarse=4)(fine).std() for _ in range(8)]
    assert min(contrasts) < 0.3 * fine.std()  # stripes of one pixel get lost
    assert len({round(float(c), 3) for c in contrasts}) > 4
    broad = torch.ones(1, 3, 16, 24)
    broad[..., 12:] = -1
    assert Photometric(0, 0, 0, 0, 0, coarse=4)(broad).std() > 0.8 * broad.std()


def test_the_seed_repeats_the_changes():
    images = torch.rand(2, 3, 8, 8)
    torch.manual_seed(5)
    first = Photometric()(images)
    torch.manual_seed(5)
    assert torch.equal(Photometric()(images), first)


def test_a_zoom_moves_images_and_labels_together():
    labels = torch.arange(4).repeat_interleave(16).view(1, 1, 64).repeat(3, 48, 1)  # four bands
    images = (labels[:, None].float() / 2 - 0.75).repeat(1, 3, 1, 1)
    zoomed, cut = RandomZoom([24, 32], 2.0)(images, labels)
    assert zoomed.shape == (3, 3, 24, 32)
    assert cut.shape == (3, 24, 32)
    agree = ((zoomed[:, 0] + 0.75) * 2).round() == cut
    assert agree.float().mean() > 0.9  # all but the pixels at the borders of the bands


def test_a_zoom_of_one_takes_whole_pictures():
    images, labels = torch.rand(2, 3, 16, 16), torch.randint(5, (2, 16, 16))
    zoomed, cut = RandomZoom([16, 16], 1.0)(images, labels)
    assert torch.equal(zoomed, images)
    assert torch.equal(cut, labels)


def test_faults_are_named():
    with pytest.raises(ValueError, match="zoom must be >= 1, got 0.9"):
        RandomZoom([8, 8], 0.9)
    with pytest.raises(ValueError, match=r"size must be \[height, width\]"):
        RandomZoom([8], 1.0)
    with pytest.raises(ValueError, match="must be >= 0"):
        Photometric(brightness=-1)
    with pytest.raises(ValueError, match="coarse must be >= 1, got 0.5"):
        Photometric(coarse=0.5)
