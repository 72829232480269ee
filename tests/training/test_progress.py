from semsynth.training.progress import Bar, Lines, progress


def test_lines_in_a_log(tiny, tmp_path, capsys):
    trainer = tiny.trainer(tmp_path, [Lines(0.0)], enable_progress_bar=True)
    trainer.fit(tiny.system(), datamodule=tiny.data())
    out = capsys.readouterr().out.splitlines()
    assert len(out) == 3 * 6
    assert out[0].startswith("epoch 1/3  batch 1/6  G adversarial ")
    assert "D adversarial" in out[0]
    assert out[-1].endswith("0:00 left")
    assert not any("\r" in line for line in out)


def test_few_lines_in_a_long_time(tiny, tmp_path, capsys):
    tiny.trainer(tmp_path, [Lines(1000.0)], enable_progress_bar=True).fit(tiny.system(), datamodule=tiny.data())
    assert len(capsys.readouterr().out.splitlines()) == 3  # one an epoch


def test_a_bar_on_a_terminal(monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    assert isinstance(progress(), Bar)
    monkeypatch.setattr("sys.stderr.isatty", lambda: False, raising=False)
    assert isinstance(progress(), Lines)


def test_the_bar_shows_the_losses_alone(tiny, tmp_path):
    bar = Bar()
    trainer = tiny.trainer(tmp_path, [bar], enable_progress_bar=True, max_epochs=1)
    trainer.fit(tiny.system(), datamodule=tiny.data())
    assert list(bar.get_metrics(trainer, trainer.lightning_module)) == [
        "G adversarial", "G feature_matching", "G kl", "D adversarial"]
