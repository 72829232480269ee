"""What is changed of a style: whose look a class takes, how far, of which instance."""

import pytest
import torch

from semsynth.errors import StyleError
from semsynth.semantics import Semantics
from semsynth.style import Style
from semsynth.synthesis.edits import Edit, instance_at
from semsynth.synthesis.references import Reference

NAMES = ["sky", "road", "traffic light"]
LABELS = torch.zeros(1, 4, 8, dtype=torch.int64)
LABELS[0, 2:] = 1
LABELS[0, 3, :2] = LABELS[0, 3, 3:6] = 2
INSTANCES = LABELS.clone()
INSTANCES[0, 3, :2], INSTANCES[0, 3, 3:6] = 20, 21
SEMANTICS = Semantics(LABELS, 3, instances=INSTANCES)  # sky, road, two lights
OTHER = Semantics(LABELS.flip(2), 3, instances=torch.where(INSTANCES == 20, 50, INSTANCES).flip(2))


def by_class(value):
    return Style(classes=torch.full((1, 3, 2), float(value)))


def by_instance(*values):
    return Style(instances=torch.tensor(values)[None, :, None].expand(1, -1, 2).float())


def test_a_class_takes_a_share_of_a_look():
    edit = Edit.of(NAMES, {"road": Reference(by_class(4)), "traffic_light": Reference(by_class(8))},
                   share={"all": 0.5, "road": 1}, resample="sky")
    found = edit.applied(by_class(0), by_class(9), SEMANTICS)
    assert found.classes[0, :, 0].tolist() == [9, 4, 4]
    assert not Edit.of(NAMES)
    assert Edit.of(NAMES).applied(by_class(0), by_class(9), SEMANTICS).classes.sum() == 0


def test_instances_of_a_class_take_those_of_another_picture():
    look = Reference(by_instance(1, 2, 3, 4), OTHER.regions())  # 4: the small light, which has the greater number
    assert OTHER.regions().sizes[0, 2:].tolist() == [3, 2]
    edit = Edit.of(NAMES, {"traffic light": look})
    assert SEMANTICS.regions().sizes[0, 2:].tolist() == [2, 3]
    assert edit.applied(by_instance(0, 0, 0, 0), by_instance(9, 9, 9, 9), SEMANTICS).instances[0, :, 0].tolist() \
        == [0, 0, 4, 3]
    classes = Edit.of(NAMES, {"traffic light": Reference(by_class(7))})
    assert classes.applied(by_instance(0, 0, 0, 0), by_instance(9, 9, 9, 9), SEMANTICS).instances[0, :, 0].tolist() \
        == [0, 0, 7, 7]


@pytest.mark.parametrize("place", [20, (3, 1), [3, 0]])
def test_one_instance_changes(place):
    look = Reference(by_instance(1, 2, 3, 4), OTHER.regions())
    base, drawn = by_instance(0, 0, 0, 0), by_instance(9, 9, 9, 9)
    taken = Edit.of(NAMES, {"traffic light": look}, instance=place).applied(base, drawn, SEMANTICS)
    assert taken.instances[0, :, 0].tolist() == [0, 0, 3, 0]  # the look of the largest
    anew = Edit.of(NAMES, resample=["traffic light", "road"], instance=place).applied(base, drawn, SEMANTICS)
    assert anew.instances[0, :, 0].tolist() == [0, 0, 9, 0]
    assert Edit.of(NAMES, resample="road").absent(Semantics(LABELS * 0, 3)) == ["road"]
    assert not Edit.of(NAMES, resample="road", instance=place).absent(Semantics(LABELS * 0, 3))
    three = Style(instances=base.instances.expand(3, -1, -1))
    other = Style(instances=torch.stack([drawn.instances[0] + k for k in range(3)]))
    found = Edit.of(NAMES, resample=["traffic light"], instance=place).applied(three, other, SEMANTICS)
    assert found.instances[:, 2, 0].tolist() == [9, 10, 11]  # three pictures of one label map


def test_instances_that_a_message_offers():
    """Those of the classes that change, and how many more there are."""
    lights = Edit.of(NAMES, resample="traffic light", instance=7)
    with pytest.raises(StyleError, match=r"which has 20, 21 of traffic light: give one of them"):
        lights.check(SEMANTICS)
    many = Semantics(LABELS, 3, instances=torch.arange(100, 132).view(1, 4, 8))
    with pytest.raises(StyleError, match=r"which has 100, 101, .* 111 and 20 more: give"):
        instance_at(7, many)


def test_codes_of_another_number_of_instances():
    drawn = by_instance(9, 9, 9, 9)
    more = Reference(by_instance(1, 2, 3, 4, 5)).for_maps(SEMANTICS, drawn)
    changed = Edit.of(NAMES, resample="road").applied(more, drawn, SEMANTICS)
    assert changed.instances[0, :, 0].tolist() == [1, 9, 3, 4]
    with pytest.raises(StyleError, match="style has codes for 3 instances, the label maps have 4: give the label map"):
        Reference(by_instance(1, 2, 3)).for_maps(SEMANTICS, drawn)


def test_each_of_several_pictures_shows_the_class():
    without = Semantics(LABELS.clamp_max(1), 3, instances=INSTANCES.clamp_max(1))
    regions = Semantics(torch.cat([LABELS, without.labels]), 3,
                        instances=torch.cat([INSTANCES, without.instances])).regions()
    look = Reference(Style(instances=torch.arange(8.0).view(2, 4, 1)), regions, "style")
    with pytest.raises(StyleError, match=r"style\[1\] shows no traffic light \(it shows sky, road\): take another"):
        Edit.of(NAMES, {"traffic light": look}, instance=20)
    Edit.of(NAMES, {"road": look}, instance=1)


def test_instances_are_found_by_id_and_by_point():
    assert instance_at(21, SEMANTICS).tolist() == instance_at((3, 4), SEMANTICS).tolist() == [3]
    assert instance_at(1, SEMANTICS).tolist() == [1]
    with pytest.raises(StyleError, match=r"instance=7 is not in the instance map, which has 0, 1, 20, 21"):
        instance_at(7, SEMANTICS)
    with pytest.raises(StyleError, match=r"instance=\[4,0\] lies outside of the picture, which has 4 rows and 8"):
        instance_at((4, 0), SEMANTICS)
    with pytest.raises(StyleError, match=r"instance=7: no instance map says .*: give instances=FILE, or a point"):
        instance_at(7, Semantics(LABELS, 3))


@pytest.mark.parametrize(("wish", "words"), [
    ({"looks": {"rode": Reference(by_class(1))}}, "no class rode: the classes of this run are sky, road, tr"),
    ({"looks": {"road": Reference(by_class(1))}, "share": 1.5}, r"share=1\.5 of road must be from 0"),
    ({"looks": {"road": Reference(by_class(1))}, "share": {"sky": 0.5}}, r"share of sky: no look is given"),
    ({"share": 0.5}, "no class is given one"),
    ({"share": {"all": "half"}}, "share=half must be a number"),
    ({"looks": {"road": Reference(by_class(1))}, "resample": "road"}, "cannot be drawn anew and look as in another"),
    ({"resample": ["rode"]}, "no class rode"),
    ({"instance": 3}, "says which instance is changed, and nothing is"),
    ({"resample": "road", "instance": [1, 2, 3]}, r"a point \[ROW,COLUMN\]"),
    ({"looks": {"road": Reference(Style(vector=torch.zeros(1, 2)), name="a.png")}}, r"a\.png is one style for a whole"),
    ({"looks": {"road": Reference(by_class(1), Semantics(LABELS * 0, 3).regions(), "a.png")}},
     r"a\.png shows no road \(it shows sky\)"),
])
def test_wishes_that_cannot_be(wish, words):
    with pytest.raises(StyleError, match=words):
        Edit.of(NAMES, **wish)


def test_styles_that_cannot_be_changed():
    edit = Edit.of(NAMES, resample="road")
    vector = Style(vector=torch.zeros(1, 2))
    with pytest.raises(StyleError, match="one style for a whole picture"):
        edit.applied(vector, vector, SEMANTICS)
    with pytest.raises(StyleError, match="styles of this run are those of classes"):
        Edit.of(NAMES, resample="road", instance=77).applied(by_class(0), by_class(1), SEMANTICS)  # no such id, either
    with pytest.raises(StyleError, match=r"instance=\[0,0\] is sky, and what is changed is road"):
        Edit.of(NAMES, resample="road", instance=(0, 0)).check(SEMANTICS)
