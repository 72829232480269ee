"""The twelve classes of `scenes`, their palette, and the numbering of instances."""

SKY, CLOUD, SUN, MOUNTAIN, WATER, GRASS, ROAD, BUILDING, TREE, CAR, PERSON, FENCE = range(12)

CLASSES = ("sky", "cloud", "sun", "mountain", "water", "grass", "road", "building", "tree", "car", "person", "fence")

# R, G, B of the label pictures
COLOURS = (
    (122, 180, 240),
    (240, 240, 250),
    (255, 220, 0),
    (134, 114, 150),
    (30, 86, 200),
    (92, 190, 70),
    (92, 92, 92),
    (194, 80, 60),
    (20, 110, 40),
    (220, 30, 160),
    (255, 140, 0),
    (150, 110, 60),
)

THINGS = frozenset({CLOUD, SUN, BUILDING, TREE, CAR, PERSON, FENCE})


def instance_id(label: int, number: int) -> int:
    """Id of object `number` of a class, as in Cityscapes: `label * 1000 + number` for things, `label` for stuff."""
    return label * 1000 + number if label in THINGS else label
