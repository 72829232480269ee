"""What keeps a run from being the method that the papers measured, beyond norm, width and training length."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from semsynth.complexity.setting import GENERATORS, PUBLISHED_SIZES

BASES = {"BatchNorm2d": "batch", "InstanceNorm2d": "instance", "group_norm": "group", "layer_norm": "layer",
         "PONO": "pono"}
# discriminators that belong to a generator; to all others, the PatchGAN
DISCRIMINATORS = {
    "CCFPSEGenerator": "FPSEDiscriminator",
    "Pix2PixHDGenerator": "Pix2PixHDDiscriminator",
    "Pix2PixHDLocalGenerator": "Pix2PixHDDiscriminator",
    "CRNGenerator": "no_discriminator",
    "OASISGenerator": "OASISDiscriminator",
}
# objectives, likewise; to all others, the hinge. None: whichever, since it has none
OBJECTIVES = {"Pix2PixHDGenerator": "LeastSquares", "Pix2PixHDLocalGenerator": "LeastSquares", "CRNGenerator": None}
# terms of the generator's and of the discriminator's loss, where these are not named by what they lack of SPADE's
TERMS = {"OASISGenerator": ({"OASISGeneratorLoss"}, {"OASISDiscriminatorLoss", "LabelMix"})}


def departures(config: dict[str, Any]) -> list[str]:
    """A word or two for each of them, such as `base=instance`, `no VGG`; they belong to a setting's name.

    Generator, discriminator, base and objective count everywhere, and so do the terms of OASIS's losses. What belongs
    to the recipe of a data set (perceptual loss, style encoder, SPADE's hidden width) and the kind of ICPE's offsets
    count on the data sets of the papers; other data sets have recipes of their own.
    """
    words = [f"base={base}" for base in dict.fromkeys(_bases(_norm_of(config))) if base != "batch"]
    generator, discriminator, objective = (_kind(config.get(part))
                                           for part in ("generator", "discriminator", "objective"))
    words += [f"generator={generator}"] if generator not in ("", "SPADEGenerator", *GENERATORS) else []
    usual = DISCRIMINATORS.get(generator, "MultiscaleDiscriminator")
    words += [f"discriminator={discriminator}"] if discriminator not in ("", usual) else []
    words += _other_terms(config, TERMS.get(generator, ()))
    played = OBJECTIVES.get(generator, "Hinge")
    words += [f"objective={objective}"] if objective not in ("", played) and played is not None else []
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
    if _kind(config.get("generator")) in TERMS:
        terms = None  # whose terms are looked at above
    words = _offsets(config)
    words += [f"hidden={hidden}" for hidden in dict.fromkeys(_hidden(_norm_of(config))) if hidden != 128]
    paired = config.get("system", {}).get("segmenter") is None or config["dataset"].get("unpaired") == "as_released"
    if terms is not None and paired:  # without pairs there is nothing to compare features of
        needed = (("no VGG", "perceptual"), ("no feature matching", "feature_matching"))
        words += [word for word, term in needed if term not in terms and "regression" not in terms]
        words += ["no VGG"] if _kind(terms.get("regression")) == "PixelRegression" else []
        words += ["EfficientNet-Lite0 for VGG"] if _kind(terms.get("perceptual")) == "EfficientNetPerceptual" else []
    styled = bool(config.get("encoder", {}).get("z_dim", 0))
    published = bool(GENERATORS.get(_kind(config.get("generator")), ("", {}))[1].get("z_dim", 0))
    words += ["no style encoder"] if "code" in config.get("generator", {}) and "code" not in config["encoder"] else []
    words += ["instance features"] if config.get("encoder", {}).get("features", 0) else []
    return words + ([] if styled == published else ["style encoder" if styled else "no style encoder"])


def _offsets(config: dict[str, Any]) -> list[str]:
    """How positional offsets are made, where they are read and not as by the code that made the paper's tables."""
    icpe = config.get("icpe", {})
    if not icpe.get("enabled") or icpe.get("published"):
        return []
    return ["icpe=paper" if icpe.get("components") == "largest" else "icpe=default"]


def _norm_of(config: dict[str, Any]) -> dict[str, Any]:
    """The norm's node; an empty one for a method's generator that takes none."""
    generator = config.get("generator", {})
    norm: dict[str, Any] = {} if _kind(generator) in GENERATORS and "norm" not in generator else config["norm"]
    return norm


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
    yield from (node["hidden"] for node in _norms(norm) if isinstance(node.get("hidden"), int))


def _kind(node: Any) -> str:
    return str(node["_target_"]).rpartition(".")[2] if isinstance(node, dict) and "_target_" in node else ""
