"""What a training that starts from another run takes over from its configuration."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

from semsynth.errors import CheckpointError

# keys that follow the data set or another group, by group: dotted key -> what it refers to
_FOLLOWS = {
    "norm": {f"{child}{key}": reference for child in ("", "low.", "high.")
             for key, reference in (("edges", "${dataset.edges}"), ("base", "${base}"),
                                    ("zero_start", "${icpe.zero_start}"))},
    "generator": {"norm": "${norm}", "num_classes": "${dataset.num_classes}", "size": "${size}",
                  "edges": "${dataset.edges}", "z_dim": "${encoder.z_dim}"},
    "encoder": {"size": "${size}"},
    "discriminator": {"num_classes": "${dataset.num_classes}", "edges": "${dataset.edges}",
                      "image_channels": "${generator.out_channels}"},
    "icpe": {},
    "base": {},
    "loss": {},
    "protocol": {},
    "segmenter": {},
    "scores": {"assess.protocol": "${protocol}", "assess.judge": "${segmenter}"},
    "system": {"generator": "${generator}", "discriminator": "${discriminator}", "encoder": "${encoder}",
               "losses": "${loss}", "optimizers": "${optim}", "num_classes": "${dataset.num_classes}",
               "epochs": "${epochs}", "decay_epochs": "${decay_epochs}", "accumulate": "${accumulate}",
               "regenerate_fake": "${dataset.recipe.regenerate_fake}", "compile": "${compile}",
               "unpaired": "${dataset.unpaired}"},
}
# where a group is chosen anew, what is left out besides: a norm decides whether there are offsets, a data set chooses
# losses and scores (how, and by which judge), and with the losses whether there is a segmenter in the loop
_DECIDES = {"norm": ("icpe",), "dataset": ("loss", "protocol", "segmenter", "scores", "system")}
_SAYS_ALL = ("experiments", "ablation")


def inherited(cfg: dict[str, Any], saved: dict[str, Any], given: Iterable[str]) -> dict[str, Any]:
    """A training's configuration with the data set, size and networks of a run, where nothing else is given.

    What follows from the data set (numbers of classes, edges, sizes) goes on following it. Groups that are chosen on
    the command line stay as chosen; keys within a group are set after it is taken over. An experiment or an ablation
    says everything itself.

    Args:
        cfg: The composed configuration, unresolved, as plain values.
        saved: The run's, resolved, as plain values.
        given: The overrides of the command line, `key=value`.

    Raises:
        CheckpointError: an override of a key that the run's group does not have.
    """
    values = {key.lstrip("+"): value for key, equals, value in (o.partition("=") for o in given) if equals}
    if any(values.get(key, "null") != "null" for key in _SAYS_ALL):
        return cfg
    result = copy.deepcopy(cfg)
    left_out = {group for chosen in values for group in (chosen, *_DECIDES.get(chosen, ()))}
    if "dataset" not in left_out:
        result["dataset"] = copy.deepcopy(saved["dataset"])
        _set(result["dataset"], "edges", "${.instances}" if saved["dataset"]["edges"] else False)
        _refer_to_run(result["dataset"], saved)
    if "size" not in left_out:
        result["size"] = saved["size"]
    for group, follows in _FOLLOWS.items():
        if group in left_out or group not in saved:
            continue
        node = copy.deepcopy(saved[group])
        for key, reference in follows.items():
            if _has(node, key) and _followed(_get(node, key), reference, saved):
                _set(node, key, reference)
        result[group] = node
    _repeat_overrides(result, cfg, values, left_out)
    return result


def _followed(value: Any, reference: str, saved: dict[str, Any]) -> bool:
    """Whether a value of the run is what it would be by reference: then it goes on following."""
    name = reference[2:-1]
    return value == _get(saved, name) and (value is not None or name in saved)


def _refer_to_run(dataset: dict[str, Any], saved: dict[str, Any]) -> None:
    """Let the data set's own nodes follow size and offsets again, which they name resolved."""
    for split in ("train", "val"):
        node = dataset.get(split)
        if isinstance(node, dict):
            for key, reference in (("size", "${size}"), ("offsets", "${icpe}"), ("seed", "${seed}"),
                                   ("instances", "${dataset.instances}"), ("augment", "${augment.transforms}")):
                if key in node and (key != "seed" or split == "train"):
                    node[key] = reference
            if "root" in dataset and isinstance(node.get("source"), dict) and "root" in node["source"]:
                node["source"]["root"] = "${dataset.root}"


def _repeat_overrides(result: dict[str, Any], cfg: dict[str, Any], values: dict[str, str], left_out: set[str]) -> None:
    """Set what the command line says of single keys once more, in what was taken over."""
    for key in values:
        group = key.split(".")[0]
        if "." not in key or group in left_out or (group not in _FOLLOWS and group != "dataset"):
            continue
        parent = _get(result, key.rpartition(".")[0])
        if not isinstance(parent, dict):
            raise CheckpointError(f"{key}: the run of init_from has no such key (choose {group}= too to set it)")
        parent[key.rpartition(".")[2]] = _get(cfg, key)


def _get(node: Any, key: str) -> Any:
    for part in key.split("."):
        if not isinstance(node, dict) or part not in node:
            return None
        node = node[part]
    return node


def _has(node: Any, key: str) -> bool:
    parent, _, last = key.rpartition(".")
    above = _get(node, parent) if parent else node
    return isinstance(above, dict) and last in above


def _set(node: dict[str, Any], key: str, value: Any) -> None:
    *parents, last = key.split(".")
    for part in parents:
        node = node[part]
    node[last] = value
