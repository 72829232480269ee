import torch

from semsynth.data.batch import semantics_from_batch
from semsynth.data.edges import instance_edges


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
