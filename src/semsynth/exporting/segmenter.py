"""The segmenter of an unpaired run as a file of its own, to judge images or to train with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from semsynth.errors import ConfigError, SegmenterError
from semsynth.exporting.source import Source
from semsynth.segmenters.judge import save_judge
from semsynth.segmenters.network_file import read_about
from semsynth.weights.tensor_files import SUFFIX


def write_segmenter(source: Source, output: Path) -> list[str]:
    """Write the segmenter as a file that `segmenter=FILE` of evaluate.py and `system.segmenter.path=FILE` take.

    Its weights stay float32, so that the file segments as the run does.

    Args:
        source: A run with its segmenter.
        output: The file, which must not exist; its name ends in `.safetensors`.

    Returns:
        A line that says what was written.

    Raises:
        ConfigError: the run has no segmenter, or the file cannot be written.
    """
    segmenter = source.segmenter
    if segmenter is None:
        raise ConfigError(f"{source.run} has no segmenter in the loop: python train.py experiments=unpaired trains one")
    if output.suffix != SUFFIX:
        raise ConfigError(f"output={output}: a segmenter is kept in a file whose name ends in {SUFFIX}")
    if output.exists():
        raise ConfigError(f"output={output} exists already: take another file, or remove it")
    config = source.config
    try:
        save_judge(output, segmenter.network, _arguments(config["system"]["segmenter"]), name=output.stem,
                   classes=segmenter.classes, preprocessing=segmenter.preprocessing, class_map=segmenter.class_map,
                   ignore=segmenter.ignore, dtype=torch.float32, dataset=config["dataset"]["name"],
                   size=list(config["size"]), trained=source.origin())
    except (SegmenterError, OSError) as error:
        raise ConfigError(f"output={output}: {error}") from error
    return [f"{type(segmenter.network).__name__}, {segmenter.num_classes} classes, "
            f"{output.stat().st_size / 1e6:.1f} MB"]


def _arguments(node: Mapping[str, Any]) -> dict[str, Any]:
    """What the network's constructor was called with, by the node `system.segmenter` of a configuration."""
    if node.get("path"):
        return dict(read_about(node["path"])["arguments"])
    network = node["network"] if "network" in node else node["judge"]["network"]
    # the weights that an encoder began with are no part of the network, and elsewhere there is no such file
    return {key: value for key, value in network.items() if not key.startswith("_") and key != "encoder_weights"}
