"""Terms of a loss and discriminators that do not speak of the same, and parts that nobody has trained."""

import pytest
from commands import UNPAIRED, training

from semsynth import config
from semsynth.config.answers import check_answers, check_stages
from semsynth.errors import ConfigError

REGRESSION = ["generator=crn", "encoder=none", "discriminator=none", "system=regression", "loss=crn_no_vgg"]
STAGED = ["generator=pix2pixhd_local", "encoder=none", "system=staged"]


@pytest.mark.parametrize(("words", "told"), [
    (["loss=oasis"], r"^loss\.discriminator\.adversarial reads logits of the classes.*take discriminator=oasis, or "),
    (["discriminator=oasis", "loss=spade_no_vgg"],
     r"adversarial reads whether patches are real or fake.*answers logits of the classes.*or loss=oasis$"),
    (["discriminator=fpse", "loss=oasis"], "take discriminator=oasis"),
    ([*REGRESSION, "loss=spade_no_vgg"], "system=regression trains without a discriminator: take loss=crn or"),
    ([*REGRESSION, "loss=spade_no_vgg", "loss.discriminator.adversarial=null", "loss.generator.adversarial=null"],
     r"loss\.generator\.feature_matching reads a discriminator's maps, and system=regression"),
    (["discriminator=none"], "discriminator=none, which leaves.*take discriminator=patchgan, or system=regression"),
    (["loss=crn_no_vgg"], "no term for the discriminator.*take loss=spade"),
    (["system=staged", "generator=pix2pixhd_local"],
     r"fixed_epochs=10.*is random: give init_from=RUN.*system\.fixed_epochs=0"),
])
def test_a_training_is_refused_before_its_start(words, told):
    words = list({word.split("=")[0]: word for word in [*words, "encoder=none"]}.values())
    with pytest.raises(ConfigError, match=told):
        config.prepare(training(*words, "run_dir=x", "logger=csv"))


@pytest.mark.parametrize("words", [
    [], ["discriminator=oasis", "loss=oasis"], ["discriminator=fpse", "loss=cc_fpse_no_vgg"],
    ["discriminator=pix2pixhd", "loss=pix2pixhd_no_vgg"], REGRESSION,
    [*UNPAIRED, "loss=unpaired_cycle", "discriminator@system.label_discriminator=patchgan_labels"],
    [*STAGED, "system.fixed_epochs=0"], [*STAGED, "init_from=runs/global"],
], ids=str)
def test_what_agrees(words):
    cfg = training(*words)
    check_answers(cfg)
    check_stages(cfg)


def test_what_says_nothing_of_its_own_is_left_alone():
    check_answers(training("discriminator=oasis", "discriminator._target_=torch.nn.Identity"))
