"""Whether the objects of `scenes` have the colours that those in the photograph have: style by region."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from semsynth.data.scenes.classes import CLASSES
from semsynth.data.scenes.colours import COLOURED, LIT_COLOUR, STRENGTH

LEAST = 8  # pixels of an object that counts
COLUMNS = ("label", "pixels", "generated", "real", "lit colour", "strength of the light")  # 1 + 1 + 4 * 3 numbers


class ColourRecovery:
    """The objects' mean colours in generated images against those in the photographs, by class.

    The drawer knows the colour of every car, wall and shirt, and the light on it. So it is known how each would look
    in the same light if all objects of a class had the one colour that fits best: `uniform`. Over objects and channels,

    - `r2/CLASS` is 1 - sum |generated - real|^2 / sum |uniform - real|^2: 1 for the photograph, 0 for uniform colours
      in the right light, below 0 where colour or light are further off;
    - `r/CLASS` is the correlation of generated - uniform with real - uniform, each from its mean over the objects: 0
      where an object's colour does not follow its photograph's, whatever the light.

    A generator whose style is one vector for a picture has next to nothing of either to tell objects by; where a class
    has one code, its objects in a picture share it. Pixels whose colour is not an object's own (glass, lamps) do not
    count, nor do objects below `LEAST` pixels.

    >>> from semsynth.data.scenes.dataset import Scenes
    >>> known, image = Scenes(1).colours(0), Scenes(1)[0]["image"]
    >>> score = ColourRecovery()
    >>> rows = score.measure(image[None], image[None], {key: value[None] for key, value in known.items()})
    >>> rows.shape[1], "r2/car" in score.compute(rows)
    (14, True)
    """

    kind = "region"

    @torch.no_grad()
    def measure(self, generated: Tensor, real: Tensor, known: Mapping[str, Tensor]) -> Tensor:
        """Images (N,3,H,W) in [-1,1] and `Scenes.colours` of their samples -> (M,14) float64, a row for each object.

        See `COLUMNS`; colours are in [0,1].
        """
        rows = []
        for index, objects in enumerate(known["objects"].cpu()):
            inside = objects >= 0
            ids, place = objects[inside].unique(return_inverse=True)
            light = known["colours"][index].double().cpu()
            maps = torch.cat([(generated[index].double().cpu() + 1) / 2, (real[index].double().cpu() + 1) / 2,
                              light[LIT_COLOUR], light[STRENGTH]])[:, inside]
            pixels = place.bincount(minlength=len(ids)).double()
            sums = torch.zeros(len(maps), len(ids), dtype=torch.float64).index_add_(1, place, maps)
            found = torch.cat([(ids // 1000)[None].double(), pixels[None], sums / pixels])
            rows.append(found.T[pixels >= LEAST])
        return torch.cat(rows) if rows else torch.zeros(0, 2 + 4 * 3, dtype=torch.float64)

    def compute(self, rows: Tensor) -> dict[str, float]:
        """Both scores of every class; NaN for one with fewer than two objects, or whose objects are all alike."""
        found: dict[str, float] = {}
        for label in COLOURED:
            generated, real, lit, strength = rows[rows[:, 0] == label][:, 2:].unflatten(1, (4, 3)).unbind(1)
            best = (strength * lit).sum(0) / strength.square().sum(0)  # the one colour, by least squares
            wanted = lit - strength * best  # real - uniform
            got = generated - real + wanted
            r2 = 1 - (got - wanted).square().sum() / wanted.square().sum()
            x, y = got - got.mean(0), wanted - wanted.mean(0)
            r = (x * y).sum() / (x.square().sum() * y.square().sum()).sqrt()
            found |= {f"r2/{CLASSES[label]}": float(r2), f"r/{CLASSES[label]}": float(r)}
        return found
