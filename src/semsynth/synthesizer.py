"""Pictures from label maps with a trained run, in three lines of Python."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from semsynth.device import chosen_device
from semsynth.drawing import draw, style_of
from semsynth.errors import StyleError
from semsynth.semantics import Semantics
from semsynth.style import Style, cat
from semsynth.synthesis.condition import Condition
from semsynth.synthesis.styles import completed, draw_styles, encode_style

Pictured = Tensor | np.ndarray | str | Path | Image.Image | Sequence[str | Path | Image.Image]
"""Pictures whose style is taken."""


class Synthesizer:
    """Draws label maps with the generator of a run, its spectral norm and batch-norm statistics folded away.

    >>> import torch
    >>> from semsynth import Synthesizer
    >>> synthesizer = Synthesizer.from_run(RUN)  # a run directory
    >>> synthesizer.class_names[:3], synthesizer.size
    (('sky', 'cloud', 'sun'), (32, 32))
    >>> labels = torch.zeros(1, 32, 32, dtype=torch.int64)  # sky,
    >>> labels[:, 20:] = synthesizer.class_names.index("grass")  # and grass below
    >>> images = synthesizer(labels, seed=0)
    >>> images.shape, bool(images.abs().max() <= 1)
    (torch.Size([1, 3, 32, 32]), True)

    Args:
        generator: in evaluation mode; see `semsynth.interfaces.Generator`.
        encoder: see `semsynth.interfaces.StyleEncoder`; None without one.
        condition: what the networks read.
        device: where to compute: ``cpu``, ``cuda`` or another name that torch knows, or ``auto``.
    """

    def __init__(self, generator: Any, encoder: Any, condition: Condition,
                 device: str | torch.device = "cpu") -> None:
        self.device = chosen_device(device)
        self._generator = generator.optimize_for_inference().to(self.device).eval().requires_grad_(False)
        self._encoder = None if encoder is None else encoder.to(self.device).eval().requires_grad_(False)
        self._condition = condition

    @classmethod
    def from_run(cls, run: str | Path, checkpoint: str = "auto", weights: str = "auto",
                 device: str | torch.device = "cpu") -> Synthesizer:
        """From a run directory: of a training, an import or an export.

        Args:
            run: the directory.
            checkpoint: ``last``, ``best``, a path, or ``auto``: the best where the run kept one, else the last.
            weights: ``ema``, ``raw``, or ``auto``: the moving average where there is one.
            device: see the class.

        Raises:
            ConfigError: no run, no such checkpoint, no moving average in it, or no such device.
        """
        from semsynth import runs

        trained = runs.Run(run, checkpoint, weights)
        return cls(trained.generator, trained.encoder, Condition.of(trained.whole("dataset")), device)  # type: ignore[arg-type]

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes; label i is the i-th."""
        return self._condition.classes

    @property
    def colours(self) -> tuple[tuple[int, int, int], ...]:
        """(red, green, blue), 0..255, of each class."""
        return self._condition.colours

    @property
    def size(self) -> tuple[int, int]:
        """(H, W) of the training images."""
        return self._condition.size

    @property
    def z_dim(self) -> int:
        """Length of the style vector; 0 where a label map has one picture."""
        return int(getattr(self._generator, "z_dim", 0))

    @property
    def reads_instances(self) -> bool:
        """Whether a call needs ``instances``."""
        return self._condition.edges

    @torch.no_grad()
    def __call__(self, labels: Tensor | np.ndarray, instances: Tensor | np.ndarray | None = None,
                 style: Pictured | Style | None = None, z: Tensor | np.ndarray | None = None,
                 seed: int | None = None, style_labels: Tensor | np.ndarray | None = None) -> Tensor:
        """Images (N,3,H,W) in [-1,1], float32, on the device, of label maps (N,H,W).

        Edges and positional offsets are made from the maps where the network reads them. Without ``style``, ``z`` and
        ``seed`` a network with a style vector draws styles from torch's own random state.

        Args:
            labels: integer class ids; 255 counts as the unknown class where the run has one. A network with a style
                vector draws only its own ``size``, others any multiple of their stride.
            instances: (N,H,W) integer ids of objects, for networks that read instance edges; others ignore it.
            style: the picture whose style is taken, or N of them: files or PIL images, or (1 or N,3,h,w) floats in
                [-1,1]. The mean of the encoder is used, so that the same picture always gives the same style. Or a
                `semsynth.Style`, such as `encode` gives, changed or not.
            z: style vectors (z_dim,), (1,z_dim) or (N,z_dim) instead.
            seed: draws the same styles every time instead; the first of them do not depend on N. Beside a style that
                is given, what is drawn besides, as the noise of SEAN; None: as 0.
            style_labels: label maps (1 or N,H,W) of the pictures of ``style``, of the network's own ``size``, for runs
                whose styles are those of classes or instances.

        Raises:
            ValueError: labels out of range or of a wrong shape or size, no instances where they are needed.
            StyleError: styles that the run cannot take, or more than one way to choose them.
        """
        semantics = self._condition.semantics(labels, instances)
        self._generator.readings(*semantics.size)  # before styles, which may come from files
        return draw(self._generator, semantics.to(self.device), self._style(semantics, style, z, seed,
                                                                                style_labels))

    @torch.no_grad()
    def encode(self, style: Pictured, labels: Tensor | np.ndarray | None = None) -> Style:
        """The style of pictures, to be changed and given back.

        Args:
            style: files, PIL images, or (N,3,h,w) floats in [-1,1].
            labels: their label maps, see ``style_labels``.

        Raises:
            StyleError: the run has no encoder, or these are no such pictures.
            DataError: a file cannot be read.
        """
        return self._encoded(style, labels)

    def _style(self, semantics: Semantics, style: Pictured | Style | None, z: Tensor | np.ndarray | None,
               seed: int | None, style_labels: Tensor | np.ndarray | None) -> Style | None:
        """The style of every label map; None for a network without."""
        count = len(semantics)
        given = [name for name, value in (("style", style), ("z", z)) if value is not None]
        if not self._generator.styled:
            if given:
                raise StyleError(f"{' and '.join(given)}: this run has no style vector, so a label map has one "
                                 "picture; train with encoder=style for styles (generator=crn: generator.pictures=9)")
            return None
        if len(given) > 1:
            raise StyleError("style and z exclude each other: a style vector is taken from pictures or given")
        if style is not None:
            said = style if isinstance(style, Style) else self._encoded(style, style_labels)
            return completed(self._generator, self._spread("style", said, count), seed or 0, semantics)
        if z is not None:
            vectors = torch.as_tensor(z, dtype=torch.float32)
            vectors = vectors[None] if vectors.ndim == 1 else vectors
            if vectors.ndim != 2 or vectors.shape[1] != self.z_dim:
                raise StyleError(f"z must be (N,{self.z_dim}), got {tuple(vectors.shape)}")
            return self._spread("z", Style(vector=vectors), count)
        if seed is None:
            drawn: Style | None = self._generator.draw_style(count, semantics, torch.randn)
            return drawn
        return draw_styles(self._generator, count, seed, semantics)

    @staticmethod
    def _spread(name: str, style: Style, count: int) -> Style:
        try:
            return style.spread(count)
        except ValueError as error:
            raise StyleError(f"{name}: {error}") from None

    def _encoded(self, style: Pictured, labels: Tensor | np.ndarray | None) -> Style:
        """Mean styles of pictures."""
        if self._encoder is None:
            raise StyleError("style: this run has no style encoder; give z or seed")
        if isinstance(style, Tensor | np.ndarray):
            images = torch.as_tensor(style)
            if images.ndim != 4 or images.shape[1] != 3 or not images.dtype.is_floating_point:
                raise StyleError(f"style must be (N,3,h,w) floats in [-1,1], got {tuple(images.shape)} {images.dtype}")
            low, high = images.min(), images.max()
            if not -1.001 <= low <= high <= 1.001:
                raise StyleError(f"style must lie in [-1,1], got [{float(low):.3g}, {float(high):.3g}]: for values of "
                                 "0..255 give style / 127.5 - 1")
            maps = self._of_pictures(labels, len(images))
            try:
                return style_of(self._encoder, images.float(), maps and maps.to(self.device))
            except ValueError as error:  # it reads more than the picture
                raise StyleError(f"style: {error}; give style_labels (`encode`: labels)") from None
        pictures = [style] if isinstance(style, str | Path | Image.Image) else list(style)
        maps = self._of_pictures(labels, len(pictures))
        return cat([encode_style(self._encoder, picture, self.size, None if maps is None else
                                 Semantics(maps.labels[k:k + 1], maps.num_classes)) for k, picture in
                    enumerate(pictures)])

    def _of_pictures(self, labels: Tensor | np.ndarray | None, count: int) -> Semantics | None:
        """The label maps of so many pictures whose style is taken."""
        if labels is None:
            return None
        maps = self._condition.semantics(labels, labels)
        if len(maps) not in (1, count):
            raise StyleError(f"{len(maps)} label maps for {count} pictures whose style is taken: give one for each")
        ids = maps.labels.expand(count, -1, -1)
        return Semantics(ids, maps.num_classes)
