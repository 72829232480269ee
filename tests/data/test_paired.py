import albumentations as A
import numpy as np
import pytest
import torch

from semsynth.data.camvid import CamVid
from semsynth.data.cityscapes import Cityscapes
from semsynth.data.joint import JointTransform
from semsynth.data.paired import PairedDataset
from semsynth.data.resize import resize_nearest
from semsynth.errors import DataError
from semsynth.semantics.icpe import Offsets, icpe_offsets


@pytest.fixture
def cities(fx, tmp_path):
    """Build Cityscapes pictures of 48x64 with instance maps."""

    def run(**keywords):
        source = Cityscapes(fx.cityscapes(tmp_path), "train")
        values = {"num_classes": 35, "size": (32, 32), "instances": True, "offsets": Offsets(enabled=True)}
        return PairedDataset(source, **(values | keywords))

    return run


def draws(dataset, epochs=12):
    for epoch in range(epochs):
        dataset.set_epoch(epoch)
        yield dataset[0]


def place(image):
    """Top row, left column and flip of a crop, from the gradient picture of the fixtures (48x64, not resized)."""
    pixels = (image + 1) * 127.5
    rows, columns = pixels[0, :, 0] * 48 / 255, pixels[1, 0] * 64 / 255
    flipped = bool(columns[0] > columns[-1])
    return round(rows[0].item() + 0.5), round(columns.min().item() + 0.5), flipped


def test_crop_and_flip_are_the_same_for_all_parts(cities):
    dataset = cities(preprocess="crop")
    _, labels, instances = dataset.read(0)
    offsets = icpe_offsets(labels)
    places = set()
    for sample in draws(dataset, 24):
        top, left, flipped = place(sample["image"])
        places.add((top, left, flipped))
        window = (slice(top, top + 32), slice(left, left + 32))
        turn = slice(None, None, -1 if flipped else 1)
        np.testing.assert_array_equal(sample["labels"], labels[window][:, turn])
        np.testing.assert_array_equal(sample["instances"], instances[window][:, turn])
        wanted = offsets[:, window[0], window[1]][:, :, turn] * np.array([1, -1 if flipped else 1])[:, None, None]
        np.testing.assert_allclose(sample["offsets"], wanted, atol=1e-6)  # of the whole picture: cut before, not after
    assert len({flipped for *_, flipped in places}) == 2
    assert len(places) > 12
    assert instances.max() > 9999


def test_offsets_after_a_flip_are_those_of_the_flipped_labels(cities):
    dataset = cities(preprocess="fixed", size=(48, 64))
    for sample in draws(dataset):
        np.testing.assert_allclose(sample["offsets"], icpe_offsets(sample["labels"].numpy()), atol=1e-5)


def test_published_offsets(cities):
    dataset = cities(preprocess="fixed", size=(24, 32), offsets=Offsets(enabled=True, published=True))
    _, labels, _ = dataset.read(0)
    full = icpe_offsets(labels, skip_label=0)
    rows, columns = (np.arange(new) * old // new for new, old in zip((24, 32), labels.shape, strict=True))
    wanted = full[:, rows][:, :, columns]
    small = resize_nearest(labels, (24, 32))
    seen = set()
    for sample in draws(dataset):
        flipped = not np.array_equal(sample["labels"], small)
        seen.add(flipped)
        np.testing.assert_array_equal(sample["offsets"], wanted[:, ::-1] if flipped else wanted)
    assert seen == {True, False}


def test_repeats_by_seed_epoch_and_index(cities):
    keywords = {"augment": [A.ColorJitter(brightness=[0.5, 1.5], p=1)]}
    first, again, other = cities(**keywords), cities(**keywords), cities(**keywords, seed=1)
    a, b, c = (torch.stack([sample["image"] for sample in draws(d, 4)]) for d in (first, again, other))
    assert torch.equal(a, b)
    assert not torch.equal(a, c)
    assert not torch.equal(a[0], a[1])
    first.set_epoch(2)
    _ = first[1]
    assert torch.equal(first[0]["image"], a[2])  # whatever was drawn before


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_change_nothing_and_see_the_epoch(cities, workers):
    dataset = cities()
    loader = torch.utils.data.DataLoader(
        dataset, batch_size=2, num_workers=workers, persistent_workers=True, multiprocessing_context="fork"
    )
    for epoch in range(2):
        dataset.set_epoch(epoch)
        batches = list(loader)
        for i, sample in enumerate([dataset[i] for i in range(4)]):
            for key in ("image", "labels", "instances", "offsets"):
                assert torch.equal(batches[i // 2][key][i % 2], sample[key])


@pytest.mark.parametrize(
    ("preprocess", "shape"),
    [
        ("resize_and_crop", (16, 24)),
        ("fixed", (16, 24)),
        ("crop", (16, 24)),
        ("scale_width", (18, 24)),
        ("scale_width_and_crop", (16, 24)),
        ("scale_shortside", (16, 21)),
        ("scale_shortside_and_crop", (16, 24)),
        ("none", (64, 64)),
    ],
)
def test_preprocess_modes(cities, preprocess, shape):
    sample = cities(preprocess=preprocess, size=(16, 24))[0]
    for key, lead in (("image", (3,)), ("labels", ()), ("instances", ()), ("offsets", (2,))):
        assert sample[key].shape == (*lead, *shape)


def test_validation_takes_the_middle_or_the_whole(cities):
    sample = cities(preprocess="crop", random=False, flip=False)[0]
    assert place(sample["image"]) == (8, 16, False)
    whole = cities(preprocess="fixed", random=False, flip=False, size=(48, 64))
    assert torch.equal(whole[0]["labels"], torch.from_numpy(whole.read(0)[1]).long())


def test_eight_bits_become_the_numbers_from_minus_one_to_one(cities):
    dataset = cities(preprocess="fixed", random=False, flip=False, size=(48, 64))
    pixels = np.asarray(dataset.read_image(0))
    assert (pixels.min(), pixels.max()) == (0, 251)
    np.testing.assert_allclose(dataset[0]["image"].permute(1, 2, 0), pixels / 127.5 - 1, atol=1e-6)


def test_without_flips_none_is_drawn(cities):
    """In any of 24 draws, of which 12 would be flipped by chance."""
    samples = draws(cities(preprocess="crop", flip=False), 24)
    assert not any(flipped for *_, flipped in (place(sample["image"]) for sample in samples))


def test_crop_flip_and_colours_are_drawn_independently():
    """All 24 cells of (row half, column half, flip, no/darker/brighter) are filled as independence says: chi-square."""
    jitter = A.ColorJitter(brightness=[0.2, 1.8], contrast=[1, 1], saturation=[1, 1], hue=[0, 0], p=0.5)
    joint = JointTransform((256, 256), augment=[jitter])
    image, cells = np.full((286, 286, 3), 100, np.uint8), np.zeros((2, 2, 2, 3))
    rows, columns = np.mgrid[:286, :286].astype(np.int32)
    for index in range(1500):
        seed = int(np.random.SeedSequence([0, 0, index]).generate_state(1)[0])
        drawn = joint({"image": image, "labels": rows, "instances": columns}, seed)
        top, ends, level = drawn["labels"][0, 0], drawn["instances"][0, [0, -1]], int(drawn["image"][0, 0, 0])
        cells[int(top >= 15), int(min(ends) >= 15), int(ends[0] > ends[1]), (level != 100) + (level > 100)] += 1
    half = np.array([15, 16]) / 31  # places of the crop: 31 each way
    wanted = 1500 * np.einsum("a,b,c,d->abcd", half, half, [0.5, 0.5], [0.5, 0.25, 0.25])
    assert ((cells - wanted) ** 2 / wanted).sum() < 49.7  # 23 degrees of freedom: 1 in 1000 is above


def test_a_joint_transform_refuses_to_move_pixels():
    with pytest.raises(ValueError, match="Rotate moves pixels"):
        JointTransform(None, augment=[A.Rotate()])


def test_the_place_of_the_files_is_told_in_plain_values(cities, tmp_path):
    root = cities().source.root
    assert root.is_relative_to(tmp_path)
    assert cities().place == {"source": "Cityscapes", "root": str(root), "split": "train"}


@pytest.mark.parametrize(("size", "shown"), [((16, 65), "65x16"), ((49, 16), "16x49")])
def test_a_crop_that_does_not_fit(cities, size, shown):
    with pytest.raises(DataError, match=rf"64x48 \(width x height\).*smaller than the crop of {shown}.*load_ratio"):
        cities(preprocess="crop", size=size)[0]


def test_a_crop_as_large_as_the_picture_fits(cities):
    assert cities(preprocess="crop", size=(48, 64))[0]["labels"].shape == (48, 64)


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"preprocess": "resize"}, "preprocess must be one of"),
        ({"size": (32,)}, "size must be"),
        ({"load_ratio": 0.5}, "load_ratio"),
        ({"unknown": 35}, "unknown"),
    ],
)
def test_arguments(cities, keywords, message):
    with pytest.raises(ValueError, match=message):
        cities(**keywords)


def test_asking_for_instances_that_do_not_exist(fx, tmp_path):
    with pytest.raises(ValueError, match="dataset.instances=false"):
        PairedDataset(CamVid(fx.camvid(tmp_path), "train"), num_classes=12, size=(8, 8), instances=True)
