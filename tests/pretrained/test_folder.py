"""Where published files are found, and what is said of those that are missing or others."""

import hashlib
import threading
from io import BytesIO

import pytest

from semsynth.pretrained import download, folder
from semsynth.pretrained.files import PretrainedFile
from semsynth.pretrained.folder import MissingWeights, find, obtain

DIGEST = hashlib.sha256(b"right").hexdigest()[:8]
FILE = PretrainedFile("model/net.pth", "https://host.example/models/net-1.pth", DIGEST, also="other.pth", fetched=True)


@pytest.fixture
def places(tmp_path, monkeypatch):
    """The folder of weights and torch's cache."""
    monkeypatch.setenv("SEMSYNTH_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    (tmp_path / "weights/model").mkdir(parents=True)
    (tmp_path / "torch/hub/checkpoints").mkdir(parents=True)
    return tmp_path / "weights", tmp_path / "torch/hub/checkpoints"


def test_the_folder_comes_first_then_the_other_name_then_torchs_cache(places):
    for path in (places[1] / "net-1.pth", places[0] / "other.pth", places[0] / "model/net.pth"):
        path.write_bytes(b"right")
        assert find(FILE) == obtain(FILE) == path


def test_another_file_of_the_name_is_not_taken(places):
    path = places[0] / "model/net.pth"
    path.write_bytes(b"wrong")
    with pytest.raises(MissingWeights, match=rf"model/net\.pth is damaged or another file: .* not {DIGEST}"):
        obtain(FILE)
    path.write_bytes(b"right")
    assert obtain(FILE) == path


def test_what_is_missing_is_named_in_one_line(places):
    with pytest.raises(MissingWeights, match=r"^.*/model/net\.pth is missing, and cannot be downloaded \(no network"):
        obtain(FILE)
    with pytest.raises(MissingWeights, match=r"^.*weights/net\.pth is missing$"):
        obtain(PretrainedFile("net.pth", "https://host.example"))


def test_the_folder_is_below_the_working_directory_without_the_variable(monkeypatch):
    monkeypatch.delenv("SEMSYNTH_WEIGHTS")
    assert str(folder.folder()) == "weights"


def test_a_server_that_never_answers_is_not_waited_for(monkeypatch):
    monkeypatch.undo()  # the real question
    monkeypatch.setattr(download, "ANSWER", 0.1)
    asked, over = [], threading.Event()

    def silent(request, timeout):
        asked.append(request.full_url)
        over.wait(60)  # who waits for the answer gets one
        return BytesIO()

    monkeypatch.setattr(download.urllib.request, "urlopen", silent)
    for _ in range(2):  # nor asked twice
        assert download.unreachable("https://silent.example") == "no answer from silent.example within 0 s"
    over.set()
    assert asked == ["https://silent.example"]


def test_a_download_is_kept_in_torchs_cache_and_checked(places, monkeypatch):
    monkeypatch.setattr(download, "unreachable", lambda server: "" if server == "https://host.example" else "other")
    seen = []

    def fetch(url, path, digest):
        seen.append((url, digest))
        if len(seen) == 1:
            raise RuntimeError("invalid hash value")
        places[1].joinpath("net-1.pth").write_bytes(b"right")

    monkeypatch.setattr(download.torch.hub, "download_url_to_file", fetch)
    with pytest.raises(MissingWeights, match=r"cannot be downloaded \(invalid hash value\)"):
        obtain(FILE)
    assert obtain(FILE) == places[1] / "net-1.pth"
    assert seen[1] == (FILE.url, DIGEST)
