import pytest

from semsynth.training.whole_batch import WholeBatch


@pytest.mark.parametrize(("devices", "batch", "accumulate", "line"), [
    (1, 32, 1, "an optimizer step sees 32 samples (batch.device=32), as in the recipe of ade20k"),
    (8, 4, 1, "an optimizer step sees 32 samples (8 devices x batch.device=4), as in the recipe of ade20k"),
    (2, 4, 4, "an optimizer step sees 32 samples (2 devices x batch.device=4 x batch.accumulation=4), as in the recipe "
     "of ade20k"),
    (8, 32, 1, "warning: an optimizer step sees 256 samples (8 devices x batch.device=32); the recipe of ade20k, with "
     "its learning rates, means 32: batch.total=32"),
])
def test_the_line(devices, batch, accumulate, line):
    assert WholeBatch(32, "ade20k").line(devices, batch, accumulate) == line


@pytest.mark.parametrize(("accumulate", "start"), [(2, "an optimizer step sees 4 samples"), (1, "warning: ")])
def test_training_says_it_at_its_start(tiny, tmp_path, capsys, accumulate, start):
    system = tiny.system(accumulate=accumulate, epochs=1, decay_epochs=0)
    trainer = tiny.trainer(tmp_path, [WholeBatch(4, "tiny")], max_epochs=1, limit_val_batches=0)
    trainer.fit(system, datamodule=tiny.data(length=4))
    assert next(line for line in capsys.readouterr().out.splitlines() if "optimizer step" in line).startswith(start)
