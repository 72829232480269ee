"""What a run is a run of: the name of its setting, and what it shares with runs of other seeds.

A configuration here is `config.yaml` of a run directory as plain dictionaries, all interpolations resolved.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from semsynth.complexity.setting import NAMES, PUBLISHED_NORMS, own_method
from semsynth.reporting.departures import departures
from semsynth.reporting.published import NAMES as PUBLISHED

Config = dict[str, Any]

NORMS = {"Unconditional": "unconditional", "SPADE": "spade", "CLADE": "clade", "CLADE_DISTF": "clade + distf",
         "CLADE_ICPE": "clade_icpe"}
# What makes a setting. The seed, directories and loggers do not.
PARTS = ("size", "epochs", "decay_epochs", "dataset", "recipe", "icpe", "augment", "norm",
         "encoder", "generator", "discriminator", "objective", "loss", "optim")
OF_SYSTEM = ("segmenter", "label_discriminator", "soft", "fixed_epochs", "trained_parts")
OF_TRAINER = ("precision", "limit_train_batches")
OF_BATCH = ("total", "accumulation")  # devices share the statistics of their samples: how many there are moves nothing
PLACES = ("seed", "root", "weights")  # at any depth: the seed's copies, and where files lie on a machine


def setting_name(config: Config) -> str:
    """Name a setting: `spade`, `clade_icpe`, `clade + disti`, `mixed transition 4`, `spade-light`, `clade ngf=32`.

    What departs from the papers follows (`departures.departures`): `spade, base=instance`, `clade, no VGG`. With a
    segmenter S in the loop also `spade, as released, pretrained S`, `clade, unpaired, untrained S, 5 % pairs`.

    Generators that are methods of their own have the papers' names, `CC-FPSE`, `DAGAN`; norms other than the published
    follow, as in `DAGAN clade`.

    `spade-light` is SPADE as narrow as the recipe says, `light_ngf` (arXiv:2012.04644, Table IV).
    """
    return ", ".join([_generator_name(config), *departures(config), *_loop_words(config)])


def _generator_name(config: Config) -> str:
    name, generator = _norm_name(config["norm"]), config.get("generator", {})
    if "_target_" in generator and (own := own_method(generator)):
        usual = "norm" not in generator or name == PUBLISHED_NORMS.get(own[0], "spade")
        whole = f"{own[0]}_{name}"
        name = PUBLISHED[own[0]] if usual else PUBLISHED.get(NAMES.get(whole, whole), f"{PUBLISHED[own[0]]} {name}")
    if generator.get("fc_offsets"):
        name += " + disti"
    recipe = config.get("recipe", {})
    width, usual = generator.get("ngf"), recipe.get("ngf")
    if width is None or usual is None or width == usual:
        return name
    return "spade-light" if name == "spade" and width == recipe.get("light_ngf") else f"{name} ngf={width}"


def _loop_words(config: Config) -> list[str]:
    """What a training with a segmenter S in the loop is called besides."""
    segmenter, dataset = config.get("system", {}).get("segmenter"), config["dataset"]
    if segmenter is None:
        return []
    mode, terms = dataset.get("unpaired"), config["loss"]["generator"]
    words = ["as released" if mode == "as_released" else "unpaired" if mode == "shuffled" else f"unpaired {mode}"]
    fresh = str(segmenter["_target_"]).endswith("untrained")
    words.append("untrained S" if fresh else "pretrained S" if segmenter.get("frozen", True) else "fine-tuned S")
    words += ["cycle"] if "cycle" in terms else []
    words += ["second D"] if config["system"].get("label_discriminator") else []
    words += [f"{100 * dataset['paired_fraction']:g} % pairs"] if dataset.get("paired_fraction") else []
    term = terms.get("segmentation", {})
    parts = {"class balance": "balanced"} if mode == "as_released" else {"class balance": "balanced", "focal": "focal"}
    off = [word for word, key in parts.items() if not term.get(key, True)]
    words += ["plain loss"] if len(off) == 2 else [f"no {word}" for word in off]
    return words


def _norm_name(norm: Config) -> str:
    kind = str(norm["_target_"]).rpartition(".")[2]
    if kind != "Mixed":
        return NORMS.get(kind, kind.lower())
    pair = (_norm_name(norm["low"]), _norm_name(norm["high"]))
    if pair[0] == pair[1]:
        return pair[0]
    return f"mixed {'' if pair == ('spade', 'clade') else '/'.join(pair) + ' '}transition {norm['transition']}"


def transition(config: Config) -> int | None:
    """The number of SPADE blocks before CLADE of a SPADE/CLADE mixture; None for another setting."""
    name = _generator_name(config).partition(" ngf=")[0]
    return int(name.removeprefix("mixed transition ")) if name.startswith("mixed transition ") else None


def rank(name: str) -> tuple[int, str]:
    """Sort names as the papers do: SPADE, mixtures, CLADE and what is added to it, others."""
    order = ("unconditional", "spade", "spade-light", "mixed", "clade", "clade + disti", "clade + distf", "clade_icpe")
    for known in (name, name.split(",")[0], name.split(" ")[0]):
        if known in order:
            return order.index(known), name
    return len(order), name


def setting_key(config: Config) -> str:
    """A text that is equal for two configurations if they differ in the seed alone, or in what moves no result."""
    return json.dumps(dict(_values(config)), sort_keys=True)


def differences(configs: Sequence[Config]) -> list[str]:
    """For each configuration its values of the keys, two at most, in which the configurations differ most plainly.

    The shortest keys are taken: others usually follow from them.
    """
    flat = [dict(_values(config)) for config in configs]
    keys = {key for values in flat for key in values}
    differing = [key for key in keys if len({json.dumps(values.get(key)) for values in flat}) > 1]
    chosen = sorted(differing, key=lambda key: (key.count("."), len(key), key))[:2]
    return [", ".join(f"{key}={values.get(key)}" for key in chosen) for values in flat]


def _values(config: Config) -> Iterator[tuple[str, Any]]:
    """Dotted keys and values of what makes the setting."""
    for part in PARTS:
        yield from _leaves(config.get(part), part)
    for part in OF_SYSTEM:
        yield from _leaves(config.get("system", {}).get(part), f"system.{part}")
    for key in OF_TRAINER:
        yield f"trainer.{key}", config.get("trainer", {}).get(key)
    for key in OF_BATCH:
        yield f"batch.{key}", config.get("batch", {}).get(key)


def _leaves(node: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(node, dict):
        for key, child in node.items():
            if key not in PLACES:
                yield from _leaves(child, f"{path}.{key}")
    else:
        yield path, node
