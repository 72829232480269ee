import pytest

from semsynth.weights.files import write_text, write_with


def test_nothing_half_written_stays(tmp_path):
    def fail(path):
        path.write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_with(tmp_path / "new" / "a.json", fail)
    assert not list((tmp_path / "new").iterdir())


def test_a_file_is_replaced_and_its_suffix_is_known(tmp_path):
    seen = []
    for text in ("one", "two é"):
        assert write_text(tmp_path / "a.txt", text) == tmp_path / "a.txt"
        assert (tmp_path / "a.txt").read_text(encoding="utf-8") == text
    write_with(tmp_path / "b.png", lambda path: seen.append(path.suffix) or path.touch())
    assert seen == [".png"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.txt", "b.png"]
