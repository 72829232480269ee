"""A study's folder may come from anybody."""

import json

import pytest
from raters import plan, study_of, write_folders

from semsynth.errors import PreferenceError
from semsynth.preference.study import read_study


@pytest.fixture
def folder(tmp_path):
    return study_of(write_folders(tmp_path), plan())


def change(folder, edit):
    path = folder / "study.json"
    plain = json.loads(path.read_text())
    edit(plain)
    path.write_text(json.dumps(plain))


@pytest.mark.parametrize("edit", [
    lambda study: study["items"][0].update(files=["../../secret.png", "x.png"]),
    lambda study: study["items"][0].update(map="/etc/passwd"),
    lambda study: study["items"][0].update(methods=["a", "a"]),
    lambda study: study["items"][0].update(page=7),
    lambda study: study["items"][0].update(time_ms="1"),
    lambda study: study["items"][0].pop("files"),
    lambda study: study.update(items=[]),
    lambda study: study.update(seed="0"),
    lambda study: study.update(names={}),
    lambda study: study.update(more=1),
    lambda study: study.update(items=3),
])
def test_what_is_no_study_is_told(folder, edit):
    change(folder, edit)
    with pytest.raises(PreferenceError, match=r"study\.json is no study, or damaged"):
        read_study(folder)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 10**5])
def test_what_is_no_json_is_told(folder, content):
    (folder / "study.json").write_bytes(content)
    with pytest.raises(PreferenceError, match=r"study\.json is no study"):
        read_study(folder)


def test_no_file_outside_of_the_folder_is_read(folder, tmp_path):
    """Also by a link, of a picture or of the folder of pictures."""
    file = read_study(folder).items[0].files[0]
    (tmp_path / "secret.png").write_bytes(b"secret")
    (folder / "pictures" / file).unlink()
    (folder / "pictures" / file).symlink_to(tmp_path / "secret.png")
    with pytest.raises(PreferenceError, match="missing, or a link"):
        read_study(folder)
    (folder / "pictures" / file).unlink()
    with pytest.raises(PreferenceError, match="missing, or a link"):
        read_study(folder)


def test_nor_by_a_link_for_the_folder_of_pictures(folder, tmp_path):
    (folder / "pictures").rename(tmp_path / "elsewhere")
    (folder / "pictures").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(PreferenceError, match="missing, or a link"):
        read_study(folder)


def test_a_folder_without_a_study_is_told(tmp_path):
    with pytest.raises(PreferenceError, match=r"there is no study\.json.*preference\.py make"):
        read_study(tmp_path)
