"""Two streams that never meet: no label map stands beside its own photograph, systematically or by chance."""

import pytest
import torch

from semsynth.data.datamodule import DataModule
from semsynth.data.paired import PairedDataset
from semsynth.data.scenes.dataset import Scenes
from semsynth.data.source import Listing, Pair, Source
from semsynth.data.unpaired import UnpairedDataset
from semsynth.errors import DataError
from semsynth.semantics.icpe import Offsets


class Numbered:
    """Samples that tell their index on both sides."""

    def __init__(self, count):
        self.count, self.read = count, []

    def __len__(self):
        return self.count

    def photograph(self, index):
        self.read.append(("photograph", index))
        return {"image": torch.full((3, 2, 2), float(index)), "name": f"photograph {index}"}

    def label_map(self, index):
        self.read.append(("label map", index))
        return {"labels": torch.full((2, 2), index), "name": f"map {index}"}

    def __getitem__(self, index):
        if not 0 <= index < self.count:
            raise IndexError
        return {**self.photograph(index), **self.label_map(index)}


def pairs_of(dataset, epoch):
    """(label map, photograph) of every sample of an epoch."""
    dataset.set_epoch(epoch)
    samples = [dataset[i] for i in range(len(dataset))]
    return [(int(s["labels"][0, 0]), int(s["image"][0, 0, 0])) for s in samples]


@pytest.mark.parametrize("count", [2, 3, 7, 50])
def test_shuffled_never_shows_a_pair_and_shows_everything(count):
    dataset = UnpairedDataset(Numbered(count), "shuffled")
    for epoch in range(5):
        pairs = pairs_of(dataset, epoch)
        assert all(labels != photograph for labels, photograph in pairs)
        assert sorted(labels for labels, _ in pairs) == list(range(count))
        assert sorted(photograph for _, photograph in pairs) == list(range(count))


def test_the_relation_of_the_streams_is_another_every_epoch_and_seed():
    dataset = UnpairedDataset(Numbered(50), "shuffled")
    relations = [dict(pairs_of(dataset, epoch)) for epoch in range(20)]
    relations += [dict(pairs_of(UnpairedDataset(Numbered(50), "shuffled", seed=1), 0))]
    for a in range(len(relations)):
        for b in range(a):
            same = sum(relations[a][k] == relations[b][k] for k in relations[a])
            assert same <= 8  # about one of 50 by chance
    beside_first = {relation[0] for relation in relations}
    assert len(beside_first) > 12  # of 21


@pytest.mark.parametrize("count", [64, 1600])
def test_the_photographs_of_a_batch_say_nothing_of_its_label_maps(count):
    """How often the photograph of a label map stands elsewhere in its batch: as often as by chance.

    A batch of 8 holds it with probability 7 / (count - 1). The bound is four deviations of a binomial.
    """
    batch, epochs, found = 8, 6400 // count, 0
    module = DataModule(lambda: Numbered(count), lambda: Numbered(count), batch=batch, num_workers=0,
                        unpaired="shuffled", seed=3)
    loader = module.train_dataloader()
    for epoch in range(epochs):
        loader.sampler.set_epoch(epoch)
        for samples in loader:
            photographs = set(samples["image"][:, 0, 0, 0].int().tolist())
            found += sum(label in photographs for label in samples["labels"][:, 0, 0].tolist())
    chance = (batch - 1) / (count - 1)
    assert abs(found - chance * epochs * count) < 4 * (chance * (1 - chance) * epochs * count) ** 0.5 + 1


@pytest.mark.parametrize("count", [2, 5, 8])
def test_disjoint_halves_share_nothing(count):
    dataset = UnpairedDataset(Numbered(count), "disjoint")
    pairs = [pair for epoch in range(6) for pair in pairs_of(dataset, epoch)]
    labels, photographs = ({pair[i] for pair in pairs} for i in (0, 1))
    assert labels == set(range(count // 2))
    assert photographs == set(range(count - count // 2, count))
    assert len(dataset) == count // 2
    if count == 8:  # every epoch in another order
        assert len({tuple(pairs_of(dataset, epoch)) for epoch in range(6)}) > 1


@pytest.mark.parametrize(("maps", "photographs"), [(3, 7), (7, 3), (4, 4)])
def test_labels_only_uses_all_of_both_sources(maps, photographs):
    dataset = UnpairedDataset(Numbered(photographs), "labels_only", labels=Numbered(maps))
    epochs = [pairs_of(dataset, epoch) for epoch in range(12)]
    assert all(sorted(photograph for _, photograph in pairs) == list(range(photographs)) for pairs in epochs)
    assert {labels for pairs in epochs for labels, _ in pairs} == set(range(maps))
    if maps <= photographs:  # no map twice before all came once
        assert all(len({labels for labels, _ in pairs[:maps]}) == maps for pairs in epochs)


def test_the_known_pairs_are_pairs_and_always_the_same():
    dataset = UnpairedDataset(Numbered(40), "shuffled", paired_fraction=0.1)
    shown = set()
    for epoch in range(10):
        dataset.set_epoch(epoch)
        for index in range(len(dataset)):
            paired = dataset[index]["paired"]
            assert paired["labels"][0, 0] == paired["image"][0, 0, 0]
            shown.add(int(paired["labels"][0, 0]))
    assert shown == set(dataset.known.tolist())
    assert len(shown) == 4


def test_which_known_pair_comes_is_drawn_anew_for_every_sample_epoch_and_seed():
    """Of four, by 40 samples: each about ten times, and another than in the next epoch or seed about thirty times."""
    def drawn(epoch, seed=0):
        dataset = UnpairedDataset(Numbered(40), "shuffled", paired_fraction=0.1, seed=seed)
        dataset.set_epoch(epoch)
        return torch.stack([dataset[i]["paired"]["labels"][0, 0] for i in range(40)])

    first = drawn(0)
    assert (first.unique(return_counts=True)[1] >= 3).all()
    assert len(first.unique()) == 4
    for other in (drawn(1), drawn(0, seed=1)):
        assert (first != other).sum() >= 18
    assert torch.equal(first, drawn(0))


def scene_key(sample):
    return sample["image"].numpy().tobytes()


def test_scenes_never_meet_their_label_maps():
    """Also where every epoch shows new scenes; the known pairs are the scenes of the first epoch."""
    scenes = Scenes(6, 16)
    dataset = UnpairedDataset(scenes, "shuffled", paired_fraction=0.34)
    known = {scene_key(Scenes(6, 16)[int(i)]) for i in dataset.known}
    seen = set()
    for epoch in range(3):
        dataset.set_epoch(epoch)
        for index in range(len(dataset)):
            sample = dataset[index]
            assert sample["name"] != sample["image_name"]
            assert "style" not in sample
            assert scene_key(sample["paired"]) in known
            seen.add(sample["image_name"])
            own = next(s for s in (scenes[i] for i in range(6)) if s["name"] == sample["name"])
            assert torch.equal(sample["labels"], own["labels"])
            assert not torch.equal(sample["image"], own["image"])
    assert len(seen) == 18


class Files(Source):
    title, layout = "files", ""

    def find(self, instances):
        stems = sorted(path.stem for path in (self.root / "images").glob("*.png"))
        return Listing([Pair(s, self.root / "images" / f"{s}.png", self.root / "labels" / f"{s}.png",
                             self.root / "labels" / f"{s}.png" if instances else None) for s in stems])


def files_dataset(root, **settings):
    return PairedDataset(Files(root, "train"), num_classes=6, size=(16, 16), load_ratio=1.25, **settings)


def test_files_are_read_one_side_at_a_time(files):
    dataset = UnpairedDataset(files_dataset(files, instances=True, offsets=Offsets(enabled=True)), "disjoint")
    # neither the photographs of the first half nor the label maps of the second are needed
    for number in range(3):
        (files / "images" / f"{number}.png").write_bytes(b"broken")
        (files / "labels" / f"{number + 3}.png").write_bytes(b"broken")
    for epoch in range(2):
        dataset.set_epoch(epoch)
        for index in range(3):
            sample = dataset[index]
            assert sample["name"] == str(int(sample["labels"][0, 0]))
            assert (sample["instances"] == sample["labels"]).all()
            assert sample["offsets"].shape == (2, 16, 16)
            grey = round(float((sample["image"][0, 0, 0] + 1) * 127.5))
            assert sample["image_name"] == str(grey // 40) == str(index + 3)


def test_a_side_equals_the_same_side_of_the_pair(files):
    dataset = files_dataset(files, instances=True, offsets=Offsets(enabled=True))
    whole, image, labels = dataset[4], dataset.photograph(4), dataset.label_map(4)
    assert torch.equal(whole["image"], image["image"])
    for key in ("labels", "instances", "offsets"):
        assert torch.equal(whole[key], labels[key])
    assert set(image) == {"image", "name"}
    assert set(labels) == {"labels", "instances", "offsets", "name"}


def loaded(module, epoch, skip=0):
    loader = module.train_dataloader()
    loader.sampler.set_epoch(epoch)
    if skip:
        loader.sampler.skip(skip)
    return [(batch["name"], batch["image_name"], [float(x.sum()) for x in batch["image"]],
             batch["paired"]["name"]) for batch in loader]


def test_loaders_resume_in_the_middle_and_do_not_depend_on_workers(files):
    def module(workers):
        return DataModule(files_dataset(files), files_dataset(files), batch=2, num_workers=workers, unpaired="shuffled",
                          paired_fraction=0.5, seed=3)

    alone = loaded(module(0), 1)
    assert alone == loaded(module(2), 1)
    assert alone[1:] == loaded(module(0), 1, skip=2)
    assert alone != loaded(module(0), 2)


@pytest.mark.parametrize("mode", [None, "as_released"])
def test_pairs_stay_pairs_otherwise(files, mode):
    module = DataModule(files_dataset(files), files_dataset(files), batch=2, num_workers=0, unpaired=mode)
    batch = next(iter(module.train_dataloader()))
    grey = ((batch["image"][:, 0, 0, 0] + 1) * 127.5 / 40).round().long()
    assert torch.equal(grey, batch["labels"][:, 0, 0])
    assert module.streams is module.train_set


def test_validation_batches_are_pairs(files):
    module = DataModule(files_dataset(files), files_dataset(files, random=False), batch=2, num_workers=0,
                        unpaired="shuffled")
    for batch in module.val_dataloader():
        grey = ((batch["image"][:, 0, 0, 0] + 1) * 127.5 / 40).round().long()
        assert torch.equal(grey, batch["labels"][:, 0, 0])


@pytest.mark.parametrize(("settings", "error", "message"), [
    ({"mode": "jumbled"}, ValueError, "must be shuffled, disjoint or labels_only, got 'jumbled'"),
    ({"mode": "labels_only"}, ValueError, "belong together"),
    ({"mode": "shuffled", "labels": Numbered(2)}, ValueError, "belong together"),
    ({"mode": "shuffled", "paired_fraction": 2}, ValueError, r"must be in \[0, 1\]"),
    ({"mode": "shuffled", "paired_fraction": 0.01}, DataError, "not even one"),
])
def test_what_cannot_be_is_named(settings, error, message):
    with pytest.raises(error, match=message):
        UnpairedDataset(Numbered(4), **settings)
    with pytest.raises(DataError, match="needs two or more"):
        UnpairedDataset(Numbered(1), "shuffled")
