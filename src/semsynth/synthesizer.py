"""Pictures from label maps with a trained run, in three lines of Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from semsynth.device import chosen_device
from semsynth.drawing import draw
from semsynth.errors import StyleError
from semsynth.interfaces import Progress
from semsynth.semantics import Semantics
from semsynth.style import Style
from semsynth.synthesis.codes import save_codes
from semsynth.synthesis.condition import Condition
from semsynth.synthesis.edits import ALL, Edit
from semsynth.synthesis.given import Maps, Pictured, given_reference
from semsynth.synthesis.references import Reference
from semsynth.synthesis.styles import check_drawn, completed, draw_styles, redraw_styles, resize_start


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
        start: ``resized`` has a start grid that comes from a style vector resized for other sizes than ``size``, which
            the network was not trained for; None: such a network draws its own size only.
    """

    def __init__(self, generator: Any, encoder: Any, condition: Condition,
                 device: str | torch.device = "cpu", start: str | None = None) -> None:
        self.device = chosen_device(device)
        self._generator = generator.optimize_for_inference().to(self.device).eval().requires_grad_(False)
        resize_start(self._generator, start)
        self._encoder = None if encoder is None else encoder.to(self.device).eval().requires_grad_(False)
        self._condition = condition

    @classmethod
    def from_run(cls, run: str | Path, checkpoint: str = "auto", weights: str = "auto",
                 device: str | torch.device = "cpu", start: str | None = None) -> Synthesizer:
        """From a run directory: of a training, an import or an export.

        Args:
            run: the directory.
            checkpoint: ``last``, ``best``, a path, or ``auto``: the best where the run kept one, else the last.
            weights: ``ema``, ``raw``, or ``auto``: the moving average where there is one.
            device: see the class.
            start: see the class.

        Raises:
            ConfigError: no run, no such checkpoint, no moving average in it, or no such device.
            StyleError: no such ``start``, or it is not for this run.
        """
        from semsynth import runs

        trained = runs.Run(run, checkpoint, weights)
        return cls(trained.generator, trained.encoder, Condition.of(trained.whole("dataset")), device,  # type: ignore[arg-type]
                   start)

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

    @property
    def styles_instances(self) -> bool:
        """Whether each instance of a label map has a style of its own, where instance maps tell them apart."""
        if not (self._condition.instances or self._condition.edges):
            return False
        anything = torch.zeros(1, *self.size, dtype=torch.int64)
        drawn = self.drawn(0, anything, anything)
        return drawn is not None and drawn.instances is not None

    @property
    def has_encoder(self) -> bool:
        """Whether the style of a picture can be taken."""
        return self._encoder is not None

    @torch.no_grad()
    def __call__(self, labels: Tensor | np.ndarray, instances: Tensor | np.ndarray | None = None,
                 style: Pictured | Style | Mapping[str, Pictured | Style] | None = None,
                 z: Tensor | np.ndarray | None = None, seed: int | None = None,
                 style_labels: Maps | Mapping[str, Maps] | None = None,
                 style_instances: Maps | Mapping[str, Maps] | None = None,
                 share: float | Mapping[str, float] = 1.0, resample: str | Sequence[str] = (),
                 instance: int | Sequence[int] | None = None,
                 tile: int | Sequence[int] | None = None, progress: Progress | None = None) -> Tensor:
        """Images (N,3,H,W) in [-1,1], float32, on the device, of label maps (N,H,W).

        Edges and positional offsets are made from the maps where the network reads them. Without ``style``, ``z`` and
        ``seed`` a network with a style vector draws styles from torch's own random state.

        Args:
            labels: integer class ids; 255 counts as the unknown class where the run has one. A network with a style
                vector draws only its own ``size`` (without ``start``), others any multiple of their stride.
            instances: (N,H,W) integer ids of objects, for networks that read instances; others ignore it.
            style: the picture whose style is taken, or N of them: files or PIL images, or (1 or N,3,h,w) floats in
                [-1,1]. The mean of the encoder is used, so that the same picture always gives the same style. Or a
                `semsynth.Style`, such as `encode` gives, changed or not; or NAME.npz of `save_codes`. Or one of these
                for each class that has a style of its own, by the class's name, and by ``all`` for all others.
            z: style vectors (z_dim,), (1,z_dim) or (N,z_dim) instead.
            seed: draws the same styles every time instead; the first of them do not depend on N. Beside a style that
                is given, what is drawn besides, as the noise of SEAN; None: as 0.
            style_labels: label maps (1 or N,H,W) of the pictures of ``style``, of the network's own ``size``, for runs
                whose styles are those of classes or instances; by name as ``style``.
            style_instances: their instance maps, likewise; without them all instances of a class look alike.
            share: how far classes go to their own style, from 0 to 1; by name as ``style``.
            resample: classes that are drawn anew.
            instance: of these classes the one instance that changes: its id in ``instances``, or a point (row, column).
            tile: draw in tiles of so many pixels a side, or (height, width): the same images with less memory.
            progress: shows how far the tiles have come, as ``lambda tiles, title, count: tqdm(tiles, title, count)``.

        Raises:
            ValueError: labels out of range or of a wrong shape or size, no instances where they are needed;
                no tiles, or a network that sees the whole picture in every layer.
            StyleError: styles that the run cannot take, or more than one way to choose them.
        """
        semantics = self._condition.semantics(labels, instances)
        self._generator.readings(*semantics.size)  # before styles, which may come from files
        if tile is not None:
            self._generator.check_tiles(tile)
        given = self._given(style, style_labels, style_instances, z is not None)
        edit = Edit.of(self.class_names, {name: one for name, one in given.items() if name != ALL}, share, resample,
                       instance)
        chosen = self._style(semantics, given.get(ALL), z, seed, edit)
        return draw(self._generator, semantics.to(self.device), chosen, tile, progress)

    @torch.no_grad()
    def encode(self, style: Pictured, labels: Tensor | np.ndarray | None = None,
               instances: Tensor | np.ndarray | None = None) -> Style:
        """The style of pictures, to be changed and given back.

        Codes of instances fit the label maps that they were read of.

        Args:
            style: files, PIL images, or (N,3,h,w) floats in [-1,1].
            labels: their label maps, see ``style_labels``.
            instances: their instance maps, see ``style_instances``.

        Raises:
            StyleError: the run has no encoder, or these are no such pictures.
            DataError: a file cannot be read.
        """
        return self._reference(style, labels, instances).style

    @torch.no_grad()
    def save_codes(self, path: str | Path, style: Pictured | Style, labels: Tensor | np.ndarray | None = None,
                   instances: Tensor | np.ndarray | None = None) -> Path:
        """Keep the codes of a style in a file NAME.npz, which ``style`` takes; arguments as of `encode`.

        Raises:
            StyleError: as `encode`, or the file's name ends otherwise.
            DataError: a file cannot be read.
            WritingError: the file cannot be written.
        """
        return save_codes(path, self._reference(style, labels, instances), self.class_names)

    def drawn(self, seed: int, labels: Tensor | np.ndarray | None = None,
              instances: Tensor | np.ndarray | None = None) -> Style | None:
        """The style that a seed draws for a picture, to be changed and given back; None for a run without styles.

        Of a run with styles by instance it has codes by class, or by the instances of label maps (N,H,W), where given.
        """
        semantics = None if labels is None else self._condition.semantics(labels, instances)
        return draw_styles(self._generator, 1 if semantics is None else len(semantics), seed, semantics)

    def _given(self, style: Any, labels: Any, instances: Any, vectors: bool) -> dict[str, Reference]:
        """The styles that are given, by whose they are; `vectors`: those of whole pictures are given besides."""
        styles, maps, things = (dict(value) if isinstance(value, Mapping) else {} if value is None else {ALL: value}
                                for value in (style, labels, instances))
        if not self._generator.styled and styles:
            raise StyleError("style: this run has no style vector, so a label map has one picture; train with "
                             "encoder=style for styles (generator=crn: generator.pictures=9)")
        if vectors and ALL in styles:
            raise StyleError("style and z exclude each other: a style vector is taken from pictures or given")
        if strange := [name for name in (*maps, *things) if name not in styles]:
            raise StyleError(f"style_labels and style_instances are of pictures whose style is taken, and there is "
                             f"none of {strange[0]}")
        return {name: self._reference(one, maps.get(name), things.get(name)) for name, one in styles.items()}

    def _reference(self, style: Pictured | Style, labels: Maps | None, instances: Maps | None) -> Reference:
        return given_reference(self._encoder, self._condition, style, labels, instances, self.device)

    def _style(self, semantics: Semantics, given: Reference | None, z: Tensor | np.ndarray | None, seed: int | None,
               edit: Edit) -> Style | None:
        """The style of every label map; None for a network without."""
        count = len(semantics)
        if not self._generator.styled:
            if z is not None or edit:
                raise StyleError(f"{'z' if edit.resample == [] else 'resample'}: this run has no style vector, so a "
                                 "label map has one picture; train with encoder=style for styles "
                                 "(generator=crn: generator.pictures=9)")
            return None
        if (given is None and z is None) or edit.resample:
            check_drawn(self._generator)
        drawn: Style | None = (self._generator.draw_style(count, semantics, torch.randn)
                               if seed is None and given is None and z is None
                               else draw_styles(self._generator, count, seed or 0, semantics))
        assert drawn is not None
        for reference in ([] if given is None else [given]) + list(edit.looks.values()):
            reference.check_fits(drawn)
        style = drawn
        if given is not None:
            style = completed(self._generator, given.for_maps(semantics, drawn), seed or 0, semantics)
        elif z is not None:
            style = self._of_vectors(z).for_maps(semantics, drawn)
        if not edit:
            return style
        anew = drawn
        if edit.resample:
            anew = (self._generator.draw_style(count, semantics, torch.randn) if seed is None
                    else redraw_styles(self._generator, count, seed, semantics)) or drawn
        return edit.applied(style, anew, semantics)

    def _of_vectors(self, z: Tensor | np.ndarray) -> Reference:
        vectors = torch.as_tensor(z, dtype=torch.float32)
        vectors = vectors[None] if vectors.ndim == 1 else vectors
        if vectors.ndim != 2 or vectors.shape[1] != self.z_dim:
            raise StyleError(f"z must be (N,{self.z_dim}), got {tuple(vectors.shape)}")
        return Reference(Style(vector=vectors), name="z")
