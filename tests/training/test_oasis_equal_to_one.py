"""Two processes train OASIS as one does: classes are balanced, and mixed by coins, over the whole batch."""

import pytest
from forked import trainings
from torch.testing import assert_close

PARTS = ("generator", "discriminator")
WORDS = ["experiments=oasis_scenes", "size=32", "generator.ngf=2", "generator.noise=4", "norm.noise=4", "norm.hidden=4",
         "discriminator.ndf=2", "discriminator.num_blocks=3", "batch.total=4", "epochs=1", "data.num_workers=0",
         "data.precheck_seconds=0", "dataset.train_length=12", "dataset.val_length=4", "logger=csv", "scores=none",
         "trainer.accelerator=cpu", "trainer.log_every_n_steps=1", "trainer.limit_val_batches=0",
         *(f"optim.{part}._target_=torch.optim.SGD" for part in PARTS), *(f"optim.{part}.lr=0.01" for part in PARTS),
         *(f"~optim.{part}.betas" for part in PARTS)]


@pytest.mark.ddp
def test_two_processes_train_what_one_trains(tmp_path):
    one, two = trainings(tmp_path, WORDS, ["alone", "one node"])
    assert len(one.rows) == len(two.rows) == 3
    terms = ("loss/generator/adversarial", "loss/discriminator/adversarial", "loss/discriminator/labelmix")
    for expected, found in zip(one.rows, two.rows, strict=True):
        assert [float(found[name]) for name in terms] == pytest.approx([float(expected[name]) for name in terms],
                                                                       rel=1e-4)
    assert_close(two.checkpoint["state_dict"], one.checkpoint["state_dict"], rtol=1e-4, atol=2e-5)
