import pytest
from commands import load


@pytest.fixture(scope="session")
def data_root(tmp_path_factory):
    """Every published layout, generated."""
    fixtures = load("tests/data/fixtures.py")
    root = tmp_path_factory.mktemp("data")
    for name in ("camvid", "cityscapes", "ade20k", "coco_stuff", "celebamask_hq", "deepfashion", "folder"):
        fixtures.make(name, root / name)
    return root


@pytest.fixture(scope="session")
def inade_root(tmp_path_factory):
    """DeepFashion as INADE lays it out."""
    root = tmp_path_factory.mktemp("inade")
    load("tests/data/fixtures.py").deepfashion(root / "deepfashion", layout="inade")
    return root


@pytest.fixture
def gpu(monkeypatch):
    """A machine with a GPU, as far as the configuration asks."""
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.get_device_name", lambda: "Old 1000")
    monkeypatch.setattr("torch.cuda.is_bf16_supported", lambda including_emulation: False)
