"""Random descriptions of scenes, in unit coordinates: the same scene at every size of one aspect ratio."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Protocol

import numpy as np

from semsynth.data.scenes.canvas import Canvas
from semsynth.data.scenes.classes import instance_id
from semsynth.data.scenes.objects.buildings import House, Tower
from semsynth.data.scenes.objects.cars import EndCar, SideCar
from semsynth.data.scenes.objects.fence import Fence
from semsynth.data.scenes.objects.land import Grass, Mountains, Water
from semsynth.data.scenes.objects.person import Person
from semsynth.data.scenes.objects.road import Lane, Street
from semsynth.data.scenes.objects.sky import Cloud, Sky, Sun
from semsynth.data.scenes.objects.trees import Fir, RoundTree


class Painted(Protocol):
    """Anything in a scene."""

    label: ClassVar[int]

    def paint(self, canvas: Canvas) -> None:
        """Draw onto the canvas, after `canvas.begin`."""


class Backdrop(Painted, Protocol):
    """What has a fixed depth for the haze: the sky and all in it, the land."""

    depth: ClassVar[float]


class Standing(Painted, Protocol):
    """What stands on the ground."""

    @property
    def base(self) -> float:
        """The y of its foot."""


@dataclass(frozen=True)
class Scene:
    """A scene: the backdrop, then what stands on the ground from the farthest to the nearest.

    Attributes:
        horizon: y where sky and ground meet.
        far: sky, clouds, mountains, water, grass, road, in painting order.
        near: what stands on the ground, sorted by its base.
        sun: the sun among `far`, if there is one.
        stars: (n, 2) row and column of the stars as shares of the sky's height and the picture's width.
        noise: (down, right) shift of the textures, in [0, 1].
    """

    horizon: float
    far: Sequence[Backdrop]
    near: Sequence[Standing]
    sun: Sun | None
    stars: np.ndarray
    noise: tuple[float, float]

    def depth(self, base: float) -> float:
        """0 at the lower edge of the picture, 1 at the horizon."""
        return min(max((1 - base) / (1 - self.horizon), 0.0), 1.0)

    def paint(self, canvas: Canvas) -> None:
        """Draw everything back to front; instances are numbered per class in this order."""
        count: Counter[int] = Counter()
        placed: list[tuple[Painted, float]] = [(thing, thing.depth) for thing in self.far]
        placed += [(thing, self.depth(thing.base)) for thing in self.near]
        for thing, depth in placed:
            canvas.begin(thing.label, instance_id(thing.label, count[thing.label]), depth)
            count[thing.label] += 1
            thing.paint(canvas)


def _number(rng: np.random.Generator, shares: Sequence[float], aspect: float) -> int:
    """A count 0, 1, 2, ... with the given probabilities for a square picture, in proportion to the width for others."""
    count = int(np.searchsorted(np.cumsum(shares), rng.random() * sum(shares)))
    return count if aspect <= 1 else round(count * aspect)


def _tree(rng: np.random.Generator, x: float, base: float, height: float) -> RoundTree | Fir:
    kind = RoundTree if rng.random() < 0.6 else Fir
    return kind.random(rng, x, base, height)


def _person(rng: np.random.Generator, x: float, base: float, horizon: float) -> Person:
    # eyes of the same height above the ground: a person is as tall as their distance below the horizon, nearly
    return Person.random(rng, x, base, (0.10 + 0.48 * (base - horizon)) * rng.uniform(0.9, 1.1))


def _crowd(rng: np.random.Generator, aspect: float, low: float, high: float, horizon: float) -> list[Standing]:
    count = _number(rng, (0.3, 0.3, 0.25, 0.15), aspect)
    return [_person(rng, aspect * rng.uniform(0.07, 0.93), rng.uniform(low, high), horizon) for _ in range(count)]


def _street(rng: np.random.Generator, aspect: float, horizon: float) -> tuple[list[Backdrop], list[Standing]]:
    """A street across the picture, buildings behind it, cars on it."""
    top = rng.uniform(0.70, 0.76)
    bottom = top + rng.uniform(0.19, 0.225)
    near: list[Standing] = []
    slots = max(1, round(aspect * rng.uniform(2.0, 3.4)))
    towers = rng.random()  # share of towers: villages and towns
    for slot in rng.permutation(slots).tolist():
        if rng.random() < 0.2:
            continue
        base = rng.uniform(horizon + 0.1, top - 0.06)
        x = (slot + rng.uniform(0.05, 0.3)) / slots * aspect
        if rng.random() < towers:
            near.append(Tower.random(rng, x, base, 0.05))
        else:
            near.append(House.random(rng, x, base, 0.95))
    if rng.random() < 0.5:
        base = rng.uniform(top - 0.07, top - 0.02)
        near.append(Fence.random(rng, aspect, base, rng.uniform(0.085, 0.115)))
    for _ in range(_number(rng, (0.25, 0.4, 0.25, 0.1), aspect)):
        x, base = aspect * rng.uniform(0.02, 0.98), rng.uniform(horizon + 0.14, top - 0.01)
        near.append(_tree(rng, x, base, rng.uniform(0.26, 0.42)))
    for lane, share in ((0, 0.36), (1, 0.86)):
        base = top + share * (bottom - top)
        width = 0.30 + 0.07 * lane
        x = rng.uniform(-0.1, 0.45)
        while x < aspect + 0.1:
            if rng.random() < 0.62:
                foot = base + rng.uniform(-0.012, 0.012)
                near.append(SideCar.random(rng, x, foot, width * rng.uniform(0.92, 1.08), lane == 1))
            x += width + rng.uniform(0.08, 0.4)
    near += _crowd(rng, aspect, top - 0.06, top + 0.01, horizon)
    if rng.random() < 0.25:
        near.append(_person(rng, aspect * rng.uniform(0.07, 0.93), rng.uniform(0.955, 0.985), horizon))
    return [Grass.meadow(aspect, horizon), Street(top, bottom, rng.random())], near


def _lane(rng: np.random.Generator, aspect: float, horizon: float) -> tuple[list[Backdrop], list[Standing]]:
    """A lane to the horizon, trees and houses beside it, cars from behind and in front."""
    lane = Lane.random(rng, aspect, horizon)
    span = 1 - horizon
    near: list[Standing] = []
    for _ in range(_number(rng, (0.0, 0.15, 0.35, 0.3, 0.2), aspect)):
        base = horizon + span * rng.uniform(0.12, 0.8)
        side = rng.random() < 0.5
        room = max(lane.at(0, base), 0.0) if side else max(aspect - lane.at(1, base), 0.0)
        away = rng.uniform(0.1, 1.0) * max(room, 0.1)
        x = lane.at(0, base) - away if side else lane.at(1, base) + away
        near.append(_tree(rng, x, base, 0.16 + 0.62 * (base - horizon) * rng.uniform(0.85, 1.15)))
    for _ in range(_number(rng, (0.35, 0.4, 0.25), aspect)):
        base = horizon + span * rng.uniform(0.12, 0.4)
        house = House.random(rng, 0.0, base, 0.42 + 1.0 * (base - horizon) / span)
        left, right = lane.at(0, base) - house.width * 1.15, lane.at(1, base) + house.width * 0.15
        x = left - rng.uniform(0, 0.2) if rng.random() < 0.5 else right + rng.uniform(0, 0.2)
        near.append(replace(house, x=x))
    if rng.random() < 0.4:
        base = horizon + span * rng.uniform(0.25, 0.45)
        height = 0.04 + 0.2 * (base - horizon)
        if rng.random() < 0.5:
            near.append(Fence(-0.05, lane.at(0, base) - 0.03, base, height, bool(rng.random() < 0.5)))
        else:
            near.append(Fence(lane.at(1, base) + 0.03, aspect + 0.05, base, height, bool(rng.random() < 0.5)))
    for share, front in ((0.26, True), (0.74, False)):
        if rng.random() < 0.68:
            base = horizon + span * rng.uniform(0.28, 0.92)
            width = 0.36 * (lane.at(1, base) - lane.at(0, base))
            near.append(EndCar.random(rng, lane.at(share, base), base, width, front))
    for _ in range(_number(rng, (0.4, 0.35, 0.25), aspect)):
        base = horizon + span * rng.uniform(0.5, 0.95)
        away = rng.uniform(0.03, 0.2)
        x = lane.at(0, base) - away if rng.random() < 0.5 else lane.at(1, base) + away
        near.append(_person(rng, float(np.clip(x, 0.06, aspect - 0.06)), base, horizon))
    return [Grass.meadow(aspect, horizon), lane], near


def _lake(rng: np.random.Generator, aspect: float, horizon: float) -> tuple[list[Backdrop], list[Standing]]:
    """A lake to the horizon, seen from a meadow."""
    shore = horizon + rng.uniform(0.18, 0.32)
    near: list[Standing] = []
    if rng.random() < 0.45:
        base = rng.uniform(shore + 0.04, shore + 0.12)
        near.append(House.random(rng, aspect * rng.uniform(-0.05, 0.75), base, rng.uniform(0.7, 1.0)))
    if rng.random() < 0.5:
        near.append(Fence.random(rng, aspect, shore + rng.uniform(0.06, 0.1), rng.uniform(0.09, 0.12)))
    for _ in range(_number(rng, (0.1, 0.4, 0.35, 0.15), aspect)):
        x, base = aspect * rng.uniform(0.04, 0.96), rng.uniform(shore + 0.05, 0.95)
        near.append(_tree(rng, x, base, rng.uniform(0.36, 0.58)))
    near += _crowd(rng, aspect, shore + 0.1, 0.97, horizon)
    return [Water(horizon), Grass.shore(rng, aspect, shore)], near


def random_scene(rng: np.random.Generator, aspect: float) -> Scene:
    """Draw the description of a scene whose picture is `aspect` (W / H) times as wide as high."""
    horizon = rng.uniform(0.38, 0.5)
    far: list[Backdrop] = [Sky()]
    sun = Sun.random(rng, aspect, horizon) if rng.random() < 0.68 else None
    if sun is not None:
        far.append(sun)
    far += [Cloud.random(rng, aspect, horizon, sun) for _ in range(_number(rng, (0.22, 0.33, 0.28, 0.17), aspect))]
    if rng.random() < 0.6:
        far.append(Mountains.random(rng, aspect, horizon))
    place = (_street, _lane, _lake)[int(np.searchsorted((0.42, 0.72), rng.random()))]
    ground, near = place(rng, aspect, horizon)
    near.sort(key=lambda thing: thing.base)
    return Scene(horizon, [*far, *ground], near, sun, rng.random((36, 2)), (rng.random(), rng.random()))
