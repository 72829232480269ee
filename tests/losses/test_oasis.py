import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from semsynth.discriminators.oasis import OASISDiscriminator
from semsynth.losses.inputs import LossInputs
from semsynth.losses.oasis import LabelMix, OASISDiscriminatorLoss, OASISGeneratorLoss, class_balance
from semsynth.semantics import Semantics

K = 4


def inputs(labels, **changes):
    def maps():
        return [[torch.randn(len(labels), K + 1, *labels.shape[1:], requires_grad=True)]]

    image = torch.rand(2, len(labels), 3, *labels.shape[1:])
    return LossInputs(**{"semantics": Semantics(labels, K), "real": image[0], "fake": image[1], "fake_maps": maps(),
                         "real_maps": maps()} | changes)


def balanced(logits, labels, unknown):
    """Pixel by pixel: all classes that are there have the same weight, the number of pixels over that of classes."""
    pixels = labels.flatten().tolist()
    classes = {c for c in pixels if c != unknown}
    log_p = logits.log_softmax(1).movedim(1, -1).reshape(len(pixels), -1)
    total = 0
    for c in classes:
        own = [i for i, label in enumerate(pixels) if label == c]
        total = total - log_p[own, c].mean() / len(classes)
    return total


@pytest.mark.parametrize("unknown", [None, 0, 2])
def test_every_class_of_a_batch_weighs_the_same(unknown):
    labels = torch.tensor([[[0, 0, 0, 1], [0, 2, 2, 0]], [[0, 0, 1, 1], [2, 0, 0, 0]]])
    s = inputs(labels)
    assert_close(OASISGeneratorLoss(unknown)(s), balanced(s.fake_maps[0][-1], labels, unknown))
    of_fakes = -s.fake_maps[0][-1].log_softmax(1)[:, K].mean()
    assert_close(OASISDiscriminatorLoss(unknown)(s), balanced(s.real_maps[0][-1], labels, unknown) + of_fakes)
    weights = class_balance(labels, K, unknown)
    assert weights[3] == 0
    assert unknown is None or weights[unknown] == 0


def test_a_batch_of_unknown_pixels_teaches_nothing_about_classes():
    labels = torch.zeros(1, 4, 4).long()
    s = inputs(labels)
    assert OASISGeneratorLoss(unknown=0)(s).item() == 0


def test_labelmix_mixes_whole_classes_and_pulls_at_all_three_answers(monkeypatch):
    labels = torch.arange(64).view(1, 8, 8) % K
    seen = {}
    s = inputs(labels)

    class Network(torch.nn.Conv2d):
        def forward(self, semantics, images):
            seen["mixed"] = images
            return [[super().forward(images)]]

    s.discriminator = Network(3, K + 1, 1)
    coins = torch.tensor([0.1, 0.9, 0.4, 0.6])
    monkeypatch.setattr(torch, "rand", lambda *_, **__: coins)
    loss = LabelMix()(s)
    real = ((labels == 0) | (labels == 2))[:, None]
    assert torch.equal(seen["mixed"], s.real * real + s.fake * ~real)
    wanted = s.real_maps[0][-1] * real + s.fake_maps[0][-1] * ~real
    assert_close(loss, F.mse_loss(s.discriminator(None, seen["mixed"])[0][-1], wanted))
    loss.backward()
    assert all(m[0][-1].grad.abs().sum() > 0 for m in (s.real_maps, s.fake_maps))
    assert s.discriminator.weight.grad.abs().sum() > 0


def test_another_discriminator_is_refused():
    with pytest.raises(ValueError, match="discriminator=oasis"):
        OASISGeneratorLoss()(inputs(torch.zeros(1, 4, 4).long(), fake_maps=[[torch.zeros(1, 1, 4, 4)]]))


def test_a_discriminator_learns_from_them():
    torch.manual_seed(0)
    network = OASISDiscriminator(2, ndf=4, num_blocks=2, init_gain=1.0)
    semantics = Semantics(torch.arange(16).expand(2, 16, 16) // 8, 2)
    real = (semantics.labels[:, None] * 2.0 - 1).expand(-1, 3, -1, -1).contiguous()
    fake = torch.zeros(2, 3, 16, 16)
    optimizer = torch.optim.Adam(network.parameters(), 1e-2)
    terms, losses = (OASISDiscriminatorLoss(), LabelMix()), []
    for _ in range(30):
        s = LossInputs(semantics, real, fake, network(semantics, fake), network(semantics, real), None, network)
        loss = sum(term(s) for term in terms)
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert losses[-1] < losses[0] / 3
    assert OASISGeneratorLoss()(s) > 1
