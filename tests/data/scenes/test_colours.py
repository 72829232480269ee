"""What the drawer says of its objects' colours lies where it has painted them."""

import torch

from semsynth.data.scenes import Scenes

BUILDING, CAR, PERSON = 7, 9, 10


def test_objects_are_instances_of_their_classes():
    scenes, seen = Scenes(30, 64, "val", instances=True), set()
    for index in range(30):
        objects, sample = scenes.colours(index)["objects"], scenes[index]
        inside = objects >= 0
        assert objects[inside].equal(sample["instances"][inside])
        seen |= set(sample["labels"][inside].tolist())
    assert seen == {BUILDING, CAR, PERSON}


def test_the_picture_is_the_colour_in_its_light_and_haze():
    """Without texture and edges: what is left of a car's pixels is the same for all of its paint, the haze's part."""
    scenes = Scenes(40, 128, "val")
    for index in range(40):
        known, image = scenes.colours(index), (scenes[index]["image"] + 1) / 2
        for car in known["objects"][known["objects"] // 1000 == CAR].unique():
            inside = known["objects"] == car
            haze = (image - known["colours"][:3])[:, inside]
            assert (haze.amax(1) - haze.amin(1)).max() < 1e-4 or image[:, inside].max() == 1


def test_lit_colours_are_strength_times_paint():
    paints = {(0.86, 0.10, 0.10), (0.10, 0.26, 0.76), (0.94, 0.76, 0.08), (0.90, 0.90, 0.90), (0.12, 0.12, 0.14),
              (0.06, 0.54, 0.30), (0.94, 0.46, 0.08), (0.42, 0.68, 0.88)}
    scenes, found = Scenes(40, 64, "val"), set()
    for index in range(40):
        known = scenes.colours(index)
        for car in known["objects"][known["objects"] // 1000 == CAR].unique():
            colours = (known["colours"][:3] / known["colours"][3:])[:, known["objects"] == car]
            shares = {tuple(round(value, 2) for value in colour) for colour in colours.T.tolist()}
            found |= shares & paints
    assert found == paints


def test_a_flipped_scene_has_flipped_colours():
    plain, mirrored = Scenes(16, 64, "val"), Scenes(16, 64, "val", flip=True)
    flipped = [i for i in range(16) if not mirrored[i]["labels"].equal(plain[i]["labels"])]
    assert len(flipped) > 2
    for index in flipped:
        for key, value in plain.colours(index).items():
            assert torch.equal(mirrored.colours(index)[key], value.flip(-1))
