from types import SimpleNamespace

from semsynth.training import forecast
from semsynth.training.forecast import Forecast
from semsynth.training.progress import Lines


def test_it_is_said_once_from_the_time_of_the_first_batches(tiny, tmp_path, capsys, monkeypatch):
    seconds = iter(range(0, 3000, 30))
    monkeypatch.setattr(forecast, "time", SimpleNamespace(monotonic=lambda: next(seconds)))
    callbacks = [Forecast(batches=3, seconds=1000), Lines(1000.0)]
    tiny.trainer(tmp_path, callbacks, enable_progress_bar=True).fit(tiny.system(), datamodule=tiny.data())
    said = [line for line in capsys.readouterr().out.splitlines() if "to go" in line]
    left = 3 * 6 - 4
    assert said == [f"about {round(left * 30 / 60)} min to go for 3 epochs of 6 batches (30 s a batch here), besides "
                    f"validation"]


def test_slow_batches_are_not_waited_for(tiny, tmp_path, capsys):
    tiny.trainer(tmp_path, [Forecast(batches=1000, seconds=0.0)]).fit(tiny.system(), datamodule=tiny.data())
    assert capsys.readouterr().out.count("to go for 3 epochs") == 1
