"""The data sets of a configuration, built for an evaluation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from semsynth.errors import EvaluationError
from semsynth.interfaces import SampleSet
from semsynth.metrics.protocol import Protocol
from semsynth.metrics.real import RealImages
from semsynth.spelling import named, typed


class DataSets:
    """The facts of a data set, and its splits as a protocol wants them.

    >>> import torch
    >>> from torch.utils.data import TensorDataset
    >>> facts = {"name": "mine", "classes": ["sky", "ground"], "train": {}, "val": {"length": 100}}
    >>> data_sets = DataSets(facts, build=lambda node: TensorDataset(torch.zeros(node["length"])))
    >>> len(data_sets.maps(Protocol("short", count=8)))
    8

    Args:
        facts: The resolved node `dataset` of a configuration, as plain values.
        build: Builds an object from a node with a `_target_`.
        root: Folder of the files, where it is not the one of `facts`; they are then read themselves, and not shards.
        shards: Folder or URL of the shards, where it is not the one of `facts`.

    Raises:
        EvaluationError: a root for a data set without files, or no such folder; shards where none were read.
    """

    def __init__(self, facts: Mapping[str, Any], build: Callable[[Mapping[str, Any]], Any],
                 root: str | Path | None = None, shards: str | None = None) -> None:
        self.facts, self.build = {**facts}, build
        self.name: str = facts["name"]
        self.classes: list[str] = list(facts["classes"])
        self.unknown: int | None = facts.get("unknown")
        if root is not None:
            self._move(Path(root).expanduser())
        if shards is not None:
            self._move_shards(shards)

    def _move(self, root: Path) -> None:
        if not root.is_dir():
            raise EvaluationError(f"root={root}: there is no such folder")
        for split in ("train", "val"):
            node = self.facts[split]
            files = _files(node)
            if "root" not in files:
                raise EvaluationError(f"root={root}: {self.name} has no files")
            self.facts[split] = {**node, "source": {**files, "root": str(root)}}

    def _move_shards(self, shards: str) -> None:
        for split in ("train", "val"):
            node = self.facts[split]
            if "shards" not in node.get("source", {}):
                raise EvaluationError(f"shards={shards}: {self.name} was read from files: root=DIR says where they are "
                                      "now")
            self.facts[split] = {**node, "source": {**node["source"], "shards": shards}}

    @property
    def features(self) -> list[str] | None:
        """Networks in whose features it is scored, each where its weights are there; None: it names none."""
        return self.facts.get("features")

    def trains_judge(self, size: Sequence[int]) -> str:
        """The command that trains a segmenter for this data set and images of a size (H,W)."""
        root, shards = _files(self.facts["train"]).get("root"), self.facts["train"].get("source", {}).get("shards")
        where = [] if root is None else [named("dataset.root", root)]
        where += [] if shards is None else ["data=shards", named("shards", shards)]
        return typed(["train_segmenter", f"dataset={self.name}", *where, f"size=[{size[0]},{size[1]}]",
                      f"output={self.name}_segmenter.safetensors"])

    def maps(self, protocol: Protocol) -> SampleSet:
        """The validation split as generators see it; where it is drawn, as many samples as the protocol counts."""
        return self._built("val", protocol.count, {})

    def real(self, protocol: Protocol, size: Sequence[int]) -> dict[str, Callable[[], RealImages]]:
        """Builders of the real images of each split, for generated images of a size (H,W)."""
        counts = {"val": None, "train": protocol.train_count}
        drawn = {"val": protocol.count, "train": protocol.train_count}
        wanted = list(protocol.real_size or size)

        def builder(split: str) -> Callable[[], RealImages]:
            changes = {"offsets": None, "size": wanted}
            return lambda: RealImages(self._built(split, drawn[split], changes), wanted, protocol.real_resize,
                                      counts[split])

        return {split: builder(split) for split in counts}

    def _built(self, split: str, length: int | None, changes: Mapping[str, object]) -> SampleSet:
        node = dict(self.facts[split])
        node |= {key: value for key, value in changes.items() if key in node}
        if "length" in node and length is not None:
            node["length"] = length
        made: SampleSet | Callable[[], SampleSet] = self.build(node)
        return made if isinstance(made, SampleSet) else made()  # a partial, where files are read


def _files(node: Mapping[str, Any]) -> Mapping[str, Any]:
    """The node of a split's files: of shards, those that they were made of."""
    source: Mapping[str, Any] = node.get("source", {})
    return source.get("source", source)
