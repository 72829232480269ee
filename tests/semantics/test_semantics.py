import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from semsynth.semantics import Reading, Semantics


@pytest.mark.parametrize("size", [(4, 4), (5, 7), (16, 24), (32, 48), (64, 48)])
def test_views_equal_torch_nearest(size):
    labels = torch.randint(0, 7, (2, 32, 48))
    edges, offsets = torch.rand(2, 1, 32, 48).round(), torch.randn(2, 2, 32, 48)
    view = Semantics(labels, 7, edges, offsets).prepare([size]).at(*size)
    assert_close(view.labels, F.interpolate(labels[:, None].float(), size, mode="nearest")[:, 0].long())
    assert_close(view.edges, F.interpolate(edges, size, mode="nearest"))
    assert_close(view.offsets, F.interpolate(offsets, size, mode="nearest"))


def test_one_hot_puts_edges_last():
    labels, edges = torch.tensor([[[0, 2], [1, 2]]]), torch.tensor([[[[1.0, 0], [0, 1]]]])
    out = Semantics(labels, 3, edges).one_hot(edges=True)
    assert out.shape == (1, 4, 2, 2)
    assert_close(out[0, :3].argmax(0), labels[0])
    assert_close(out[:, 3:], edges)


def test_soft_maps_keep_gradients():
    logits = torch.randn(1, 3, 8, 8, requires_grad=True)
    semantics = Semantics.from_probabilities(logits.softmax(1)).prepare([(4, 4)])
    semantics.at(4, 4).one_hot()[:, 0].sum().backward()
    assert logits.grad.abs().sum() > 0
    assert_close(semantics.labels, logits.argmax(1))


@pytest.mark.parametrize(("kwargs", "message"), [
    ({"labels": torch.zeros(1, 4, 4)}, "int64"),
    ({"labels": torch.full((1, 4, 4), 3)}, r"\[0, 2\]"),
    ({"labels": torch.full((1, 4, 4), -1)}, r"\[-1, -1\]"),
    ({"labels": torch.zeros(1, 4, 4).long(), "edges": torch.zeros(1, 4, 4)}, "edges must be"),
    ({"labels": torch.zeros(1, 4, 4).long(), "offsets": torch.zeros(1, 1, 4, 4)}, "offsets must be"),
])
def test_bad_input_is_named(kwargs, message):
    with pytest.raises(ValueError, match=message):
        Semantics(num_classes=3, **kwargs)


def test_repeated_maps_follow_each_other_as_whole_batches():
    """With what belongs to them: a map beside another's edges would be a wrong condition."""
    n, soft = 2, torch.rand(2, 3, 4, 5).softmax(1)
    edges, offsets = torch.rand(n, 1, 4, 5).round(), torch.randn(n, 2, 4, 5)
    for given in (Semantics(torch.randint(0, 3, (n, 4, 5)), 3, edges, offsets), Semantics.from_probabilities(soft)):
        found = given.repeat(3)
        assert len(found) == 3 * n
        for name in ("labels", "edges", "offsets", "probabilities"):
            part = getattr(given, name)
            assert_close(getattr(found, name), None if part is None else torch.cat([part] * 3))


def test_what_is_derived_is_not_shown():
    """Nor compared: tensors have no single truth."""
    labels = torch.randint(0, 3, (1, 8, 8))
    shown = repr(Semantics(labels, 3))
    prepared = Semantics(labels, 3).prepare([Reading(4, 4, {"classes", "patches"}), Reading(8, 8, {"classes"})])
    assert repr(prepared) == shown
    assert prepared != Semantics(labels, 3)


def test_missing_parts_name_the_way_out():
    semantics = Semantics(torch.zeros(1, 4, 4).long(), 3)
    with pytest.raises(ValueError, match=r"dataset\.instances=false"):
        semantics.one_hot(edges=True)
    with pytest.raises(ValueError, match=r"icpe\.enabled"):
        semantics.require_offsets()
    with pytest.raises(ValueError, match="prepare"):
        semantics.at(2, 2)


def test_to_carries_the_views():
    semantics = Semantics(torch.zeros(1, 4, 4).long(), 3, torch.zeros(1, 1, 4, 4)).prepare([(2, 2)]).to("meta")
    assert semantics.edges.device.type == semantics.at(2, 2).edges.device.type == "meta"


def test_views_made_under_inference_mode_do_not_break_training():
    labels = torch.randint(0, 3, (1, 8, 8))
    with torch.inference_mode():
        Semantics(labels, 3).prepare([(4, 4)])
    table = torch.randn(3, 2, requires_grad=True)
    F.embedding(Semantics(labels, 3).prepare([(4, 4)]).at(4, 4).labels, table).sum().backward()
    assert table.grad is not None
