"""The class-balanced focal loss against its formula, pixel by pixel, and the terms of an unpaired training."""

import math
from functools import partial
from types import SimpleNamespace

import pytest
import torch
from pretended import in_processes
from torch.testing import assert_close

from semsynth.losses.adversarial import Hinge, LabelDiscriminatorAdversarial, LabelGeneratorAdversarial
from semsynth.losses.cycle import CycleConsistency, PairedReconstruction
from semsynth.losses.inputs import Segmentation
from semsynth.losses.segmentation import (
    PairedSegmentationLoss,
    SegmentationLoss,
    balanced_focal,
    effective_number_weights,
)

CLASSES = 4


@pytest.fixture
def answer():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, CLASSES, 5, 6, generator=generator, dtype=torch.float64).requires_grad_()
    labels = torch.randint(-1, CLASSES - 1, (2, 5, 6), generator=generator)  # -1: not counted; class 3 is absent
    return Segmentation(logits, labels)


def step(**parts):
    return SimpleNamespace(fake=torch.zeros(1), segmentation=None, paired=None, paired_real=None, paired_fake=None,
                           **parts)


def written_out(answer, balanced, focal, beta=0.99, gamma=2.0):
    """The formula of the slides with plain numbers; n_c is the number of pixels plus one."""
    logits, labels = answer.logits.detach().tolist(), answer.labels.tolist()
    counts = [1 + sum(value == c for image in labels for row in image for value in row) for c in range(CLASSES)]
    total = weights = 0.0
    for n, image in enumerate(labels):
        for i, row in enumerate(image):
            for j, c in enumerate(row):
                if c < 0:
                    continue
                exponentials = [math.exp(logits[n][k][i][j]) for k in range(CLASSES)]
                p = exponentials[c] / sum(exponentials)
                alpha = (1 - beta) / (1 - beta ** counts[c]) if balanced else 1.0
                total += alpha * ((1 - p) ** gamma if focal else 1.0) * -math.log(p)
                weights += alpha
    return total / weights


@pytest.mark.parametrize("balanced", [True, False])
@pytest.mark.parametrize("focal", [True, False])
def test_the_loss_is_its_formula(answer, balanced, focal):
    loss = SegmentationLoss(balanced=balanced, focal=focal)(SimpleNamespace(segmentation=answer))
    assert loss.item() == pytest.approx(written_out(answer, balanced, focal), rel=1e-5)


def test_without_its_factors_it_is_cross_entropy(answer):
    wanted = torch.nn.functional.cross_entropy(answer.logits.float(), answer.labels, ignore_index=-1)
    assert_close(SegmentationLoss(balanced=False, focal=False)(SimpleNamespace(segmentation=answer)), wanted)


def test_weights_tell_rare_classes_apart():
    counts = torch.tensor([1, 10, 100, 1_000, 1_000_000])
    weights = effective_number_weights(counts, 0.99)
    assert weights[0].item() == pytest.approx(1.0)
    assert (weights.diff() < 0).all()
    assert weights[-1].item() == pytest.approx(0.01)
    assert (weights[3] / weights[4]).item() < 1.001  # beta 0.99 tells no large counts apart, as documented
    assert_close(effective_number_weights(counts, 0.0), torch.ones(5, dtype=torch.float64))


def test_pixels_that_do_not_count_have_no_gradient(answer):
    SegmentationLoss()(SimpleNamespace(segmentation=answer)).backward()
    gradient = answer.logits.grad.abs().sum(1)
    assert (gradient[answer.labels < 0] == 0).all()
    assert (gradient[answer.labels >= 0] > 0).all()


def test_a_class_without_a_channel_harms_nothing():
    """A pretrained segmenter says -inf for it; its pixels do not count, and neither loss nor gradient is NaN."""
    logits = torch.randn(1, CLASSES, 3, 3)
    logits[:, 2] = -torch.inf
    logits.requires_grad_()
    labels = torch.tensor([[[0, 1, -1], [3, 0, -1], [1, 3, 0]]])
    loss = SegmentationLoss()(SimpleNamespace(segmentation=Segmentation(logits, labels)))
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(logits.grad).all()


def test_where_nothing_counts_the_loss_is_zero():
    logits = torch.randn(1, CLASSES, 2, 2, requires_grad=True)
    loss = balanced_focal(logits, torch.full((1, 2, 2), -1), torch.ones(CLASSES), 2.0)
    loss.backward()
    assert loss.item() == 0
    assert (logits.grad == 0).all()


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0])
def test_where_the_segmenter_is_sure_neither_loss_nor_gradient_is_nan(gamma):
    """One pixel is right with p = 1, one wrong with p = 0 where -log p is 200."""
    logits = torch.tensor([[200.0, 200.0], [0.0, 0.0]]).view(1, 2, 1, 2).requires_grad_()
    loss = balanced_focal(logits, torch.tensor([[[0, 1]]]), None, gamma)
    loss.backward()
    assert loss.item() == pytest.approx(100)
    assert_close(logits.grad, torch.tensor([[0.0, 0.5], [0.0, -0.5]]).view(1, 2, 1, 2))


def test_gradients():
    labels = torch.randint(-1, CLASSES, (1, 3, 3))
    weights = torch.rand(CLASSES, dtype=torch.float64)
    # log-softmax computes in float32 by design: the check runs on the same formula in float64
    def loss(logits):
        log_p = logits.log_softmax(1).gather(1, labels.clamp_min(0)[:, None])[:, 0]
        weight = weights[labels.clamp_min(0)] * (labels >= 0)
        return -(weight * (1 - log_p.exp()) ** 2 * log_p).sum() / weight.sum()

    logits = torch.randn(1, CLASSES, 3, 3, dtype=torch.float64, requires_grad=True)
    wanted, = torch.autograd.grad(loss(logits), logits)
    got, = torch.autograd.grad(balanced_focal(logits, labels, weights, 2.0), logits)
    assert_close(got, wanted, rtol=1e-4, atol=1e-6)


def test_counts_of_the_data_set_grow_and_are_kept(answer):
    term = SegmentationLoss(counts="dataset", beta=0.999)
    for _ in range(3):
        term(SimpleNamespace(segmentation=answer))
    counted = torch.bincount(answer.labels[answer.labels >= 0], minlength=CLASSES)
    assert_close(term.seen, 3 * counted)
    other = SegmentationLoss(counts="dataset")
    other.load_state_dict(term.state_dict())
    assert_close(other.seen, term.seen)


@pytest.mark.parametrize("counts", ["batch", "dataset"])
def test_processes_find_together_what_one_finds(answer, monkeypatch, counts):
    """Losses and gradients as their means, though other classes, and more pixels that count, stand in one of them."""
    answer.labels[1:] = torch.where(answer.labels[1:] == 0, -1, answer.labels[1:])
    terms = [SegmentationLoss(counts=counts, beta=0.999) for _ in range(3)]

    def found(term, part):
        logits = answer.logits[part].detach().requires_grad_()
        loss = term(SimpleNamespace(segmentation=Segmentation(logits, answer.labels[part])))
        loss.backward()
        return loss.detach(), logits.grad

    whole, gradient = found(terms[0], slice(None))
    works = [partial(found, term, slice(rank, None, 2)) for rank, term in enumerate(terms[1:])]
    parts = in_processes(monkeypatch, works)
    assert_close(sum(loss for loss, _ in parts) / 2, whole)
    for rank, (_, of_part) in enumerate(parts):
        assert_close(of_part / 2, gradient[rank::2])
    assert_close(terms[1].seen, terms[0].seen)


@pytest.mark.parametrize(("settings", "message"), [({"beta": 1.0}, "beta must be in"), ({"gamma": -1}, "gamma must be"),
                                                   ({"counts": "epoch"}, "counts must be one of batch, dataset")])
def test_values_out_of_range(settings, message):
    with pytest.raises(ValueError, match=message):
        SegmentationLoss(**settings)


def test_pairs_are_judged_where_there_are_any(answer):
    term = PairedSegmentationLoss(balanced=False, focal=False)
    assert term(step()).item() == 0
    wanted = torch.nn.functional.cross_entropy(answer.logits.float(), answer.labels, ignore_index=-1)
    assert_close(term(SimpleNamespace(paired=answer)), wanted)


def test_cycle_and_reconstruction_are_mean_distances():
    x, y = torch.rand(2, 3, 4, 4), torch.rand(2, 3, 4, 4)
    assert_close(CycleConsistency()(SimpleNamespace(cycled=y, real=x)), (x - y).abs().mean())
    assert_close(PairedReconstruction()(SimpleNamespace(paired_fake=y, paired_real=x)), (x - y).abs().mean())
    assert PairedReconstruction()(step()).item() == 0


def test_the_second_discriminator_looks_at_its_own_maps():
    real, fake = [[torch.full((2, 1, 3, 3), 0.5)]], [[torch.full((2, 1, 3, 3), -0.25)]]
    maps = SimpleNamespace(real_label_maps=real, fake_label_maps=fake)
    assert LabelDiscriminatorAdversarial(Hinge())(maps).item() == pytest.approx(0.5 + 0.75)
    assert LabelGeneratorAdversarial(Hinge())(maps).item() == pytest.approx(0.25)
