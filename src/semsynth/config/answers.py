"""What the terms of a loss ask of a discriminator, and what it answers: the two must agree before a training begins."""

from typing import Any

from omegaconf import DictConfig, OmegaConf

from semsynth.errors import ConfigError
from semsynth.signatures import locate, targets

WORDS = {
    "verdicts": "whether patches are real or fake",
    "classes": "logits of the classes and of fakes at each pixel",
    "maps": "a discriminator's maps",  # of any
}
WAYS_OUT = {
    "verdicts": "loss=spade, loss=spade_no_vgg or another with such terms",
    "classes": "loss=oasis",
}
DISCRIMINATORS = {"verdicts": "discriminator=patchgan", "classes": "discriminator=oasis"}


def check_answers(cfg: DictConfig) -> None:
    """Hold what the terms of the loss ask (`asks`) against what the discriminator says that it answers (`answers`).

    Terms and discriminators that say nothing, as one's own may, are left alone.

    Raises:
        ConfigError: a term asks what is not answered, or there is no discriminator; names the ways out.
    """
    loss: Any = OmegaConf.to_container(cfg.loss, resolve=True)
    alone = _is_none(cfg.system.get("discriminator"))
    if not alone and not loss.get("discriminator"):
        raise ConfigError("the loss has no term for the discriminator, which system=paired and its like train: take "
                          "loss=spade or another with loss.discriminator, or system=regression discriminator=none")
    if alone and "discriminator" in cfg.system:
        raise ConfigError("discriminator=none, which leaves the adversarial training nothing to train against: take "
                          "discriminator=patchgan, or system=regression with loss=crn or loss=crn_no_vgg")
    for path, node in targets(loss, "loss"):
        term = locate(node["_target_"], path)
        asks = getattr(term, "asks", None)
        if asks is None:
            continue
        if alone:
            raise ConfigError(f"{path} reads {WORDS[asks]}, and system=regression trains without a discriminator: take "
                              "loss=crn or loss=crn_no_vgg, or system=paired discriminator=patchgan")
        part = "label_discriminator" if "label_maps" in getattr(term, "needs", ()) else "discriminator"
        judge = cfg.system.get(part)
        answers = None if judge is None else getattr(locate(judge["_target_"], part), "answers", None)
        if answers is not None and asks not in (answers, "maps"):
            raise ConfigError(f"{path} reads {WORDS[asks]}, and this discriminator answers {WORDS[answers]}: take "
                              f"{DISCRIMINATORS[asks]}, or {WAYS_OUT[answers]}")


def check_stages(cfg: DictConfig) -> None:
    """A part that another training has trained before (system=staged) comes from there.

    Raises:
        ConfigError: it stays as it is for some epochs, and is random.
    """
    held = cfg.system.get("fixed_epochs", 0)
    if held and not cfg.get("init_from"):
        raise ConfigError(f"system=staged leaves a part of the generator as it is for system.fixed_epochs={held}, and "
                          "without init_from that part is random: give init_from=RUN of its own training, or "
                          "system.fixed_epochs=0, which trains all from the start")


def _is_none(node: Any) -> bool:
    return node is None or str(node["_target_"]).endswith(".no_discriminator")
