"""The secret part of the link, and one server for a study."""

import os
import stat

import pytest
from raters import plan, study_of, write_folders

from semsynth.errors import ConfigError, PreferenceError
from semsynth.preference.serving import secret, serve_study
from semsynth.preference.session import Session
from semsynth.serving.server import listening


@pytest.fixture
def folder(tmp_path):
    return study_of(write_folders(tmp_path), plan())


def test_the_secret_stays_and_is_read_by_its_owner_alone(tmp_path):
    token = secret(tmp_path / "token")
    assert len(token) >= 32
    assert secret(tmp_path / "token") == token
    assert stat.S_IMODE((tmp_path / "token").stat().st_mode) == 0o600
    assert secret(tmp_path / "other") != token


def test_the_secret_is_on_the_disk_before_anybody_is_told(tmp_path, monkeypatch):
    synced, fsync = [], os.fsync
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append(os.fstat(handle).st_ino) or fsync(handle))
    secret(tmp_path / "token")
    assert synced == [(tmp_path / "token").stat().st_ino, tmp_path.stat().st_ino]


@pytest.mark.parametrize("content", [b"", b"short", b"with a blank in all of it", b"\xff" * 40, b"a/b" * 10])
def test_what_is_no_secret_is_told(tmp_path, content):
    (tmp_path / "token").write_bytes(content)
    with pytest.raises(PreferenceError, match="token does not hold the secret part of a link: remove it"):
        secret(tmp_path / "token")


def test_a_study_is_served_once(folder):
    session = Session(folder)
    with pytest.raises(PreferenceError, match="this study is served already"):
        serve_study(folder, port=0)
    session.close()


def test_a_port_that_is_taken_is_told_and_the_study_let_go(folder):
    with listening("127.0.0.1", 0) as taken, pytest.raises(ConfigError, match="take another port"):
        serve_study(folder, port=taken.getsockname()[1])
    Session(folder).close()
