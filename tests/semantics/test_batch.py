import pickle

import pytest
import torch

from semsynth.semantics import Reading
from semsynth.semantics.batch import LabelPreparation, labels_from_batch, semantics_from_batch
from semsynth.semantics.edges import instance_edges
from semsynth.semantics.patches import Patches

NEEDS = {"classes", "patches", "patches with edges", "classes by picture", "patches by picture"}
READINGS = [Reading(h, h, NEEDS) for h in (8, 16, 32)]


def pairs(size=32, count=2):
    labels = torch.randint(0, 3, (count, 2, 2)).repeat_interleave(size // 2, 1).repeat_interleave(size // 2, 2)
    return {"image": torch.rand(count, 3, size, size), "labels": labels, "instances": labels * 7,
            "offsets": torch.rand(count, 2, size, size), "style": torch.rand(count, 3),
            "name": [str(i) for i in range(count)]}


def tensors(semantics):
    found = []
    semantics.map(lambda t: found.append(t) or t)
    return found


def test_labels_edges_and_offsets():
    batch = {
        "image": torch.zeros(2, 3, 4, 6),
        "labels": torch.randint(0, 5, (2, 4, 6)),
        "instances": torch.randint(0, 3, (2, 4, 6)),
        "offsets": torch.rand(2, 2, 4, 6),
        "name": ["a", "b"],
    }
    semantics = semantics_from_batch(batch, 5)
    assert semantics.num_classes == 5
    assert torch.equal(semantics.labels, batch["labels"])
    assert torch.equal(semantics.edges, instance_edges(batch["instances"]))
    assert torch.equal(semantics.offsets, batch["offsets"])


def test_labels_alone():
    semantics = semantics_from_batch({"labels": torch.zeros(1, 4, 4, dtype=torch.long)}, 3)
    assert semantics.edges is None
    assert semantics.offsets is None


@pytest.mark.parametrize("backward", [True, False])
def test_a_prepared_batch_holds_what_would_be_made_of_it(monkeypatch, backward):
    batch = {**pairs(), "paired": pairs(count=3)}
    prepare = pickle.loads(pickle.dumps(LabelPreparation(3, (32, 32), READINGS, backward)))
    made = prepare(batch)
    assert set(made) == {"image", "name", "semantics", "paired"}
    assert set(made["paired"]) == {"image", "name", "semantics"}
    assert torch.equal(labels_from_batch(made), labels_from_batch(batch))
    for plain, prepared in ((batch, made), (batch["paired"], made["paired"])):
        assert prepared["image"] is plain["image"]
        with torch.set_grad_enabled(backward):
            wanted = semantics_from_batch(plain, 3).prepare(READINGS)
        wanted.instances = None  # no reading needs them
        found = semantics_from_batch(prepared, 3)
        with monkeypatch.context() as patch:  # nothing is left to make
            patch.setattr(Patches, "of_each", lambda wanted, **_: wanted and pytest.fail("made again"))
            with torch.set_grad_enabled(backward):
                found.prepare(READINGS)
        for a, b in zip(tensors(wanted), tensors(found), strict=True):
            assert torch.equal(a, b)


def test_instances_travel_where_they_are_read():
    batch = pairs()
    made = LabelPreparation(3, (32, 32), [Reading(32, 32, {"instances"})])(batch)
    assert torch.equal(semantics_from_batch(made, 3).instances, batch["instances"])


def test_label_maps_of_another_size_are_prepared_by_who_reads_them():
    batch = pairs(size=16)
    made = LabelPreparation(3, (32, 32), READINGS)(batch)
    found = semantics_from_batch(made, 3)
    assert len(tensors(found)) == 3  # labels, edges, offsets
    with pytest.raises(ValueError, match="prepare"):
        found.at(8, 8)
    assert found.prepare(READINGS[:2]).at(8, 8).patches(edges=False) is not None


def test_a_label_out_of_range():
    batch = pairs()
    with pytest.raises(ValueError, match="num_classes=2 allows only"):
        LabelPreparation(2, (32, 32), READINGS)({**batch, "labels": batch["labels"].clamp_min(2)})
