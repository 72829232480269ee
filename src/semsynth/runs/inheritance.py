"""What a training that starts from another run takes over from its configuration."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Iterator
from typing import Any

from semsynth.errors import CheckpointError

# keys that follow the data set or another group, by group: dotted key -> what it refers to
_FOLLOWS = {
    "norm": {f"{child}{key}": reference for child in ("", "low.", "high.")
             for key, reference in (("edges", "${dataset.edges}"), ("base", "${base}"),
                                    ("zero_start", "${icpe.zero_start}"))},
    "generator": {"norm": "${norm}", "num_classes": "${dataset.num_classes}", "size": "${size}",
                  "edges": "${dataset.edges}", "z_dim": "${oc.select:encoder.z_dim,0}"},
    "encoder": {"size": "${size}", "num_classes": "${dataset.num_classes}", "code": "${oc.select:generator.code,8}",
                "noise": "${oc.select:generator.noise,64}",
                "upsamplings": "${oc.select:generator.upsamplings,null}"},
    "discriminator": {"num_classes": "${dataset.num_classes}", "edges": "${dataset.edges}",
                      "image_channels": "${generator.out_channels}"},
    "recipe": {},
    "icpe": {},
    "base": {},
    "loss": {},
    "protocol": {},
    "segmenter": {},
    "scores": {"assess.protocol": "${protocol}", "assess.judge": "${segmenter}"},
    "system": {"generator": "${generator}", "discriminator": "${discriminator}", "encoder": "${encoder}",
               "losses": "${loss}", "optimizers": "${optim}", "num_classes": "${dataset.num_classes}",
               "epochs": "${epochs}", "decay_epochs": "${decay_epochs}",
               "accumulate": "${oc.select:batch.accumulation,1}", "compile": "${compile}",
               "regenerate_fake": "${recipe.regenerate_fake}",
               "unpaired": "${dataset.unpaired}"},
}
# where a group is chosen anew, what is left out besides: a norm decides whether there are offsets, a recipe chooses
# losses, and with them whether there is a segmenter in the loop; recipe and scoring follow the data set
_DECIDES = {"norm": ("icpe",), "recipe": ("loss", "system"), "scoring": ("protocol", "segmenter", "scores"),
            "dataset": ("recipe", "loss", "system", "protocol", "segmenter", "scores")}
_SAYS_ALL = ("experiments", "ablation")
_NETWORKS = ("norm", "generator", "encoder", "discriminator")
_REFERENCE = re.compile(r"\$\{(\w+)[\w.]*\}")


def inherited(cfg: dict[str, Any], saved: dict[str, Any], given: Iterable[str],
              like: dict[str, Any] | None = None) -> dict[str, Any]:
    """A training's configuration with the data set, size and networks of a run, where nothing else is given.

    What follows from the data set (numbers of classes, edges, sizes) goes on following it, and within what is taken
    over all that followed something goes on, so that `recipe.kl=0.1` reaches the loss. Groups that are chosen on the
    command line stay as chosen; keys within a group are set after it is taken over. An experiment or an ablation says
    everything itself.

    Args:
        cfg: The composed configuration, unresolved, as plain values.
        saved: The run's, resolved, as plain values.
        given: The overrides of the command line, `key=value`.
        like: A composed configuration of the run's data set and recipe, unresolved, which tells what followed what;
            None: `cfg` tells.

    Raises:
        CheckpointError: an override of a key that the run's group does not have.
    """
    values = {key.lstrip("+"): value for key, equals, value in (o.partition("=") for o in given) if equals}
    if any(values.get(key, "null") != "null" for key in _SAYS_ALL):
        return cfg
    result = copy.deepcopy(cfg)
    taken: list[str] = []
    left_out = {group for chosen in values for group in (chosen, *_DECIDES.get(chosen, ()))}
    if "dataset" not in left_out:
        result["dataset"] = copy.deepcopy(saved["dataset"])
        _set(result["dataset"], "edges", "${.instances}" if saved["dataset"]["edges"] else False)
        _refer_to_run(result["dataset"], saved)
        taken.append("dataset")
    if "size" not in left_out:
        of_data = bool(taken) and _followed(saved["size"], "${dataset.size}", saved)
        result["size"] = "${dataset.size}" if of_data else saved["size"]
    for group, follows in _FOLLOWS.items():
        if group in left_out or group not in saved:
            continue
        node = copy.deepcopy(saved[group])
        for key, reference in follows.items():
            if _has(node, key) and _followed(_get(node, key), reference, saved):
                _set(node, key, reference)
        result[group] = node
        taken.append(group)
    _follow_again(result, like or cfg, saved, taken)
    _refuse_unheeded(result, like or cfg, values, taken)
    _repeat_overrides(result, cfg, values, left_out)
    return result


def _followed(value: Any, reference: str, saved: dict[str, Any]) -> bool:
    """Whether a value of the run is what it would be by reference: then it goes on following."""
    name = reference[2:-1]
    if ":" in name:  # by a resolver, of what is never taken over
        return True
    return value == _get(saved, name) and (value is not None or _has(saved, name))


def _follow_again(result: dict[str, Any], like: dict[str, Any], saved: dict[str, Any], taken: list[str]) -> None:
    """Let values that were taken over follow each other again, as in `like`, where the run's are equal.

    Not those of networks: a recipe that fits another number of pairs must not change their widths.
    """
    for group in [group for group in taken if group not in _NETWORKS]:
        for key, reference, root in _references(like.get(group)):
            if root in taken and _has(result[group], key) and _followed(_get(saved[group], key), reference, saved):
                _set(result[group], key, reference)


def _refuse_unheeded(result: dict[str, Any], like: dict[str, Any], values: dict[str, str], taken: list[str]) -> None:
    """Refuse a word for what a network would follow, and does not, since it is the run's."""
    for group in [group for group in taken if group in _NETWORKS]:
        for key, reference, root in _references(like.get(group)):
            name = reference[2:-1]
            if name in values and root in taken and _has(result[group], key) and _get(result[group], key) != reference:
                raise CheckpointError(f"{name}={values[name]}: the networks of init_from stay as they are "
                                      f"({group}.{key}={_get(result[group], key)}): leave {name}= out")


def _references(node: Any, path: str = "") -> Iterator[tuple[str, str, str]]:
    """The dotted keys below a node whose values are references, with these and the group that they refer to."""
    if isinstance(node, dict):
        for key, child in node.items():
            yield from _references(child, f"{path}.{key}" if path else str(key))
    elif isinstance(node, str) and (found := _REFERENCE.fullmatch(node)):
        yield path, node, found[1]


def _refer_to_run(dataset: dict[str, Any], saved: dict[str, Any]) -> None:
    """Let the data set's own nodes follow size and offsets again, which they name resolved."""
    for split in ("train", "val"):
        node = dataset.get(split)
        if isinstance(node, dict):
            for key, reference in (("size", "${size}"), ("offsets", "${icpe}"), ("seed", "${seed}"),
                                   ("instances", "${dataset.instances}"), ("augment", "${augment.transforms}")):
                if key in node and (key != "seed" or split == "train"):
                    node[key] = reference
            source = node.get("source")
            source = source.get("source", source) if isinstance(source, dict) else {}  # of shards: their files
            if "root" in dataset and "root" in source:
                source["root"] = "${dataset.root}"


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
