import pytest
import torch
from torch.testing import assert_close

from semsynth.semantics import Reading, Semantics
from semsynth.semantics.batch import LabelPreparation
from semsynth.semantics.regions import Regions


def naive(semantics):
    """(class, number) -> mask, for each picture."""
    numbers = torch.zeros_like(semantics.labels) if semantics.instances is None else semantics.instances
    return [{(int(k), int(i)): (labels == k) & (ids == i) for k, i in
             torch.stack([labels.flatten(), ids.flatten()], 1).unique(dim=0).tolist()}
            for labels, ids in zip(semantics.labels, numbers, strict=True)]


@pytest.mark.parametrize("instances", [True, False])
def test_means_and_classes_are_those_of_a_loop(instances):
    torch.manual_seed(0)
    labels = torch.randint(4, (3, 6, 5)) // 2 * 2
    labels[1] = 3
    ids = torch.tensor([26_001, -1, 3])[torch.randint(3, (3, 6, 5))] if instances else None
    semantics = Semantics(labels, 5, instances=ids)
    regions, maps = Regions.of(semantics), torch.randn(3, 2, 6, 5, requires_grad=True)
    codes = regions.mean(maps)
    for n, masks in enumerate(naive(semantics)):
        assert regions.classes[n, :len(masks)].tolist() == [k for k, _ in masks]
        assert (regions.classes[n, len(masks):] == -1).all()
        assert regions.sizes[n].sum() == 30
        for place, mask in enumerate(masks.values()):
            assert_close(codes[n, place], maps[n][:, mask].mean(1))
            assert_close(regions.spread(codes)[n][:, mask], codes[n, place][:, None].expand(-1, int(mask.sum())))
    codes.sum().backward()
    assert maps.grad.abs().min() > 0


def test_means_of_low_precision_are_summed_in_full():
    regions = Regions.of(Semantics(torch.zeros(1, 64, 64, dtype=torch.int64), 1))
    maps = torch.rand(1, 2, 64, 64).bfloat16()
    assert_close(regions.mean(maps), maps.float().mean((2, 3))[:, None])


def test_codes_of_other_label_maps_are_refused():
    regions = Regions.of(Semantics(torch.arange(4).view(1, 2, 2), 4))
    with pytest.raises(ValueError, match="codes for 3 instances, the label maps have 4"):
        regions.spread(torch.zeros(1, 3, 2))


@pytest.mark.parametrize("needs", [(), {"instances"}])
def test_loaders_send_the_instance_map_only_where_it_is_read(needs):
    batch = {"labels": torch.zeros(1, 4, 4, dtype=torch.int64), "instances": torch.arange(16).view(1, 4, 4)}
    semantics = LabelPreparation(2, (4, 4), [Reading(4, 4, needs)])(batch)["semantics"].unpacked()
    assert semantics.edges is not None
    assert (semantics.instances is not None) == bool(needs)
    if needs:
        assert torch.equal(semantics.instances, batch["instances"])
