"""Which class of a data set every channel of a published segmenter stands for."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class ClassMap:
    """The classes of a data set, and those among them that a network's channels mean.

    Args:
        classes: Names, in the order of the data set's label ids.
        channels: For every channel of the network the label id that it stands for; every other id goes unjudged.
        ignore: Id of pixels without a class; null where there is none.
    """

    classes: Sequence[str]
    channels: Sequence[int]
    ignore: int | None = None


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.replace("\n", " ").split(", ")]


_ADE20K = _names("""
unknown, wall, building, sky, floor, tree, ceiling, road, bed, windowpane, grass, cabinet, sidewalk, person, earth,
door, table, mountain, plant, curtain, chair, car, water, painting, sofa, shelf, house, sea, mirror, rug, field,
armchair, seat, fence, desk, rock, wardrobe, lamp, bathtub, railing, cushion, base, box, column, signboard, chest of
drawers, counter, sand, sink, skyscraper, fireplace, refrigerator, grandstand, path, stairs, runway, case, pool
table, pillow, screen door, stairway, river, bridge, bookcase, blind, coffee table, toilet, flower, book, hill,
bench, countertop, stove, palm, kitchen island, computer, swivel chair, boat, bar, arcade machine, hovel, bus,
towel, light, truck, tower, chandelier, awning, streetlight, booth, television, airplane, dirt track, apparel, pole,
land, bannister, escalator, ottoman, bottle, buffet, poster, stage, van, ship, fountain, conveyer belt, canopy,
washer, plaything, swimming pool, stool, barrel, basket, waterfall, tent, bag, minibike, cradle, oven, ball, food,
step, tank, trade name, microwave, pot, animal, bicycle, lake, dishwasher, screen, blanket, sculpture, hood, sconce,
vase, traffic light, tray, ashcan, fan, pier, crt screen, plate, monitor, bulletin board, shower, radiator, glass,
clock, flag""")

_COCO_STUFF = _names("""
person, bicycle, car, motorcycle, airplane, bus, train, truck, boat, traffic light, fire hydrant, street sign, stop
sign, parking meter, bench, bird, cat, dog, horse, sheep, cow, elephant, bear, zebra, giraffe, hat, backpack,
umbrella, shoe, eye glasses, handbag, tie, suitcase, frisbee, skis, snowboard, sports ball, kite, baseball bat,
baseball glove, skateboard, surfboard, tennis racket, bottle, plate, wine glass, cup, fork, knife, spoon, bowl,
banana, apple, sandwich, orange, broccoli, carrot, hot dog, pizza, donut, cake, chair, couch, potted plant, bed,
mirror, dining table, window, desk, toilet, door, tv, laptop, mouse, remote, keyboard, cell phone, microwave, oven,
toaster, sink, refrigerator, blender, book, clock, vase, scissors, teddy bear, hair drier, toothbrush, hair brush,
banner, blanket, branch, bridge, building-other, bush, cabinet, cage, cardboard, carpet, ceiling-other,
ceiling-tile, cloth, clothes, clouds, counter, cupboard, curtain, desk-stuff, dirt, door-stuff, fence, floor-marble,
floor-other, floor-stone, floor-tile, floor-wood, flower, fog, food-other, fruit, furniture-other, grass, gravel,
ground-other, hill, house, leaves, light, mat, metal, mirror-stuff, moss, mountain, mud, napkin, net, paper,
pavement, pillow, plant-other, plastic, platform, playingfield, railing, railroad, river, road, rock, roof, rug,
salad, sand, sea, shelf, sky-other, skyscraper, snow, solid-other, stairs, stone, straw, structural-other, table,
tent, textile-other, towel, tree, vegetable, wall-brick, wall-concrete, wall-other, wall-panel, wall-stone,
wall-tile, wall-wood, water-other, waterdrops, window-blind, window-other, wood, unknown""")

_CITYSCAPES = _names("""
unlabeled, ego vehicle, rectification border, out of roi, static, dynamic, ground, road, sidewalk, parking, rail
track, building, wall, fence, guard rail, bridge, tunnel, pole, polegroup, traffic light, traffic sign, vegetation,
terrain, sky, person, rider, car, truck, bus, caravan, trailer, train, motorcycle, bicycle, license plate""")

_CELEBAMASK = _names("""
background, skin, nose, eye_g, l_eye, r_eye, l_brow, r_brow, l_ear, r_ear, mouth, u_lip, l_lip, hair, hat, ear_r,
neck_l, neck, cloth""")

_VOC = _names("""
background, aeroplane, bicycle, bird, boat, bottle, bus, car, cat, chair, cow, diningtable, dog, horse, motorbike,
person, pottedplant, sheep, sofa, train, tvmonitor""")

CLASS_MAPS = {
    # Channel c is raw id c + 1: id 0, unknown, has no channel.
    "ade20k": ClassMap(_ADE20K, range(1, 151), ignore=0),
    # As the released Unpaired SPADE turns them: the last channel stands for id 0, which counts, and id 150 has none.
    "ade20k_turned": ClassMap(_ADE20K, (*range(1, 150), 0)),
    # Channel c is label value c, the official id c + 1; unknown comes last.
    "coco_stuff": ClassMap(_COCO_STUFF, range(182), ignore=182),
    # Channel c is train id c of the benchmark; the 16 raw ids without one are not scored.
    "cityscapes": ClassMap(
        _CITYSCAPES, (7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33)),
    "celebamask_hq": ClassMap(_CELEBAMASK, range(19)),
    # The 21 classes of torchvision's weights.
    "voc": ClassMap(_VOC, range(21)),
}
