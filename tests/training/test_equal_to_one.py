"""Two processes on one node, and two nodes, train what one process trains with the same total batch.

Plain gradient descent, since Adam makes whole steps of what only rounding leaves.
"""

from collections import Counter
from itertools import chain

import pytest
from forked import CASES, trainings
from torch.testing import assert_close

TOTAL, LENGTH, EPOCHS = 4, 11, 2  # two steps an epoch, three samples are left out
WORDS = ["size=32", "generator.ngf=4", "generator.upsamplings=5", "discriminator.ndf=4", "encoder=style",
         "encoder.nef=4", "recipe.z_dim=4", f"batch.total={TOTAL}", f"epochs={EPOCHS}", "data.num_workers=0",
         "data.precheck_seconds=0", f"dataset.train_length={LENGTH}", "dataset.val_length=4", "logger=csv",
         "scores=none", "loss=spade_no_vgg", "trainer.accelerator=cpu", "trainer.log_every_n_steps=1",
         *(f"optim.{part}._target_=torch.optim.SGD" for part in ("generator", "discriminator")),
         *(f"optim.{part}.lr=0.01" for part in ("generator", "discriminator")),
         *(f"~optim.{part}.betas" for part in ("generator", "discriminator"))]
# vectors of spectral norms, of length one, are apart by up to 4e-6 after four steps, as are means of features
ROUNDING = {"rtol": 1e-4, "atol": 2e-5}


@pytest.mark.ddp
def test_several_processes_train_what_one_trains(tmp_path):
    one, *others = trainings(tmp_path, WORDS, list(CASES))
    for several in others:
        losses_are_equal(one, several)
        weights_are_equal(one, several)
        every_sample_is_seen_once(one, several)
        the_first_process_alone_writes_and_speaks(one, several)


def losses_are_equal(one, several):
    assert len(one.rows) == len(several.rows) == 2 * EPOCHS
    for expected, found in zip(one.rows, several.rows, strict=True):
        assert {k: float(v) for k, v in found.items() if v} == pytest.approx(
            {k: float(v) for k, v in expected.items() if v}, rel=1e-4, abs=1e-6)


def weights_are_equal(one, several):
    """Of generator, discriminator and encoder, with the statistics of the batch norms and the moving average."""
    assert_close(several.checkpoint["state_dict"], one.checkpoint["state_dict"], **ROUNDING)
    averages = [{k: v for k, v in t.checkpoint["callbacks"]["EMA"].items() if k != "updates"} for t in (one, several)]
    assert_close(averages[1], averages[0], **ROUNDING)


def every_sample_is_seen_once(one, several):
    assert several.samples() == one.samples()
    per_epoch = several.samples()[:LENGTH // TOTAL]
    assert set(Counter(chain(*per_epoch)).values()) == {1}
    assert [len(step) for step in per_epoch] == [TOTAL] * (LENGTH // TOTAL)


def the_first_process_alone_writes_and_speaks(one, several):
    assert several.files == one.files
    assert several.ranks[0]["written"] == one.ranks[0]["written"]
    assert several.ranks[1]["written"] == {}
    assert several.said[1] == ""
    assert several.said[0].count("an optimizer step sees 4 samples (2 devices x batch.device=2)") == 1
