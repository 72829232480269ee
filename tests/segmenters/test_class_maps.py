"""Class maps agree with the data sets."""

from pathlib import Path

import pytest
import yaml
from torchvision.models.segmentation import DeepLabV3_ResNet101_Weights

from semsynth.segmenters.class_maps import CLASS_MAPS

DATASETS = Path(__file__).parents[2] / "conf" / "dataset"
# The table of cityscapesScripts: name -> train id.
TRAIN_IDS = {
    "road": 0, "sidewalk": 1, "building": 2, "wall": 3, "fence": 4, "pole": 5, "traffic light": 6, "traffic sign": 7,
    "vegetation": 8, "terrain": 9, "sky": 10, "person": 11, "rider": 12, "car": 13, "truck": 14, "bus": 15, "train": 16,
    "motorcycle": 17, "bicycle": 18,
}


@pytest.mark.parametrize("name", ["ade20k", "coco_stuff", "cityscapes", "celebamask_hq"])
def test_names_are_the_data_sets(name):
    dataset = yaml.safe_load((DATASETS / f"{name}.yaml").read_text())
    assert list(CLASS_MAPS[name].classes) == dataset["classes"]
    assert CLASS_MAPS[name].ignore == dataset["unknown"]


@pytest.mark.parametrize("name", CLASS_MAPS)
def test_every_channel_is_a_class_of_its_own(name):
    labels = CLASS_MAPS[name]
    assert len(set(labels.channels)) == len(labels.channels)
    assert set(labels.channels) <= set(range(len(labels.classes))) - {labels.ignore}
    assert len(set(labels.classes)) == len(labels.classes)


def test_channels():
    assert {name: len(labels.channels) for name, labels in CLASS_MAPS.items()} == {
        "ade20k": 150, "ade20k_turned": 150, "coco_stuff": 182, "cityscapes": 19, "celebamask_hq": 19, "voc": 21}
    ade, coco = CLASS_MAPS["ade20k"], CLASS_MAPS["coco_stuff"]
    assert [ade.classes[ade.channels[c]] for c in (0, 1, 149)] == ["wall", "building", "flag"]
    assert [coco.classes[coco.channels[c]] for c in (0, 181)] == ["person", "wood"]


def test_train_ids_of_cityscapes():
    labels = CLASS_MAPS["cityscapes"]
    assert {labels.classes[raw]: train for train, raw in enumerate(labels.channels)} == TRAIN_IDS


def test_classes_of_voc_are_torchvisions():
    names = DeepLabV3_ResNet101_Weights.COCO_WITH_VOC_LABELS_V1.meta["categories"]
    assert list(CLASS_MAPS["voc"].classes) == [name.strip("_") for name in names]
