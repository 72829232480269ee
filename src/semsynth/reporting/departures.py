"""What keeps a run from being the method that the papers measured, beyond norm, width and training length."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from semsynth.complexity.setting import PUBLISHED_SIZES

BASES = {"BatchNorm2d": "batch", "InstanceNorm2d": "instance", "group_norm": "group", "layer_norm": "layer",
         "PONO": "pono"}

# generators of other papers, which have names of their own: the discriminator and the terms that belong to them
OF_PAPERS: dict[str, tuple[str, set[str], set[str]]] = {
    "OASISGenerator": ("OASISDiscriminator", {"OASISGeneratorLoss"}, {"OASISDiscriminatorLoss", "LabelMix"}),
}


def departures(config: dict[str, Any]) -> list[str]:
    """A word or two for each of them, such as `base=instance`, `no VGG`; they belong to a setting's name.

    Generator, discriminator, base and objective count everywhere, and so do the terms of the losses of generators that
    have a paper of their own. What belongs to the recipe of a data set (perceptual loss, style encoder, SPADE's hidden
    width) and the kind of ICPE's offsets count on the data sets of the papers; other data sets have recipes of their
    own.
    """
    words = [f"base={base}" for base in dict.fromkeys(_bases(config["norm"])) if base != "batch"]
    generator, objective = (_kind(config.get(part)) for part in ("generator", "objective"))
    words += [f"generator={generator}"] if generator not in ("", "SPADEGenerator", *OF_PAPERS) else []
    discriminator, *terms = OF_PAPERS.get(generator, ("MultiscaleDiscriminator",))
    judge = _kind(config.get("discriminator"))
    words += [f"discriminator={judge}"] if judge not in ("", discriminator) else []
    words += _other_terms(config, terms)
    words += [f"objective={objective}"] if objective not in ("", "Hinge") else []
    return words + (_from_the_recipe(config) if config["dataset"]["name"] in PUBLISHED_SIZES else [])


def _other_terms(config: dict[str, Any], terms: Sequence[set[str]]) -> list[str]:
    """Where the losses, generator's and discriminator's, have other terms than those of a generator's paper."""
    words = []
    for part, wanted in zip(("generator", "discriminator"), terms, strict=False):
        if there := {_kind(term) for term in config.get("loss", {}).get(part, {}).values()} - {""}:
            words += [f"no {term}" for term in sorted(wanted - there)]
            words += [f"with {term}" for term in sorted(there - wanted)]
    return words


def _from_the_recipe(config: dict[str, Any]) -> list[str]:
    terms = config.get("loss", {}).get("generator")
    if _kind(config.get("generator")) in OF_PAPERS:
        terms = None  # whose terms are looked at above
    words = _offsets(config)
    words += [f"hidden={hidden}" for hidden in dict.fromkeys(_hidden(config["norm"])) if hidden != 128]
    paired = config.get("system", {}).get("segmenter") is None or config["dataset"].get("unpaired") == "as_released"
    if terms is not None and paired:  # without pairs there is nothing to compare features of
        words += [word for word, term in (("no VGG", "perceptual"), ("no feature matching", "feature_matching"))
                  if term not in terms]
        words += ["EfficientNet-Lite0 for VGG"] if _kind(terms.get("perceptual")) == "EfficientNetPerceptual" else []
    return words + (["style encoder"] if config.get("encoder", {}).get("z_dim", 0) else [])


def _offsets(config: dict[str, Any]) -> list[str]:
    """How positional offsets are made, where they are read and not as by the code that made the paper's tables."""
    icpe = config.get("icpe", {})
    if not icpe.get("enabled") or icpe.get("published"):
        return []
    return ["icpe=paper" if icpe.get("components") == "largest" else "icpe=default"]


def _norms(norm: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A norm's node, or those of a mixture."""
    if _kind(norm) == "Mixed":
        yield from (*_norms(norm["low"]), *_norms(norm["high"]))
    else:
        yield norm


def _bases(norm: dict[str, Any]) -> Iterator[str]:
    for node in _norms(norm):
        if kind := _kind(node.get("base")):
            yield BASES.get(kind, kind)


def _hidden(norm: dict[str, Any]) -> Iterator[int]:
    yield from (node["hidden"] for node in _norms(norm) if "hidden" in node)


def _kind(node: Any) -> str:
    return str(node["_target_"]).rpartition(".")[2] if isinstance(node, dict) and "_target_" in node else ""
