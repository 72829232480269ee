"""The script that measures networks whose styles are those of regions does not rot."""

import time
from types import SimpleNamespace

import pytest
import torch
from commands import ROOT, load

LABELS = torch.arange(32).expand(2, 32, 32) // 4
NAMES = ["SEAN", "SEAN-CLADE", "INADE", "GroupDNet", "GroupDNet-CLADE"]


@pytest.fixture(scope="module")
def bench():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "bench")  # the scripts there import each other by name
        yield SimpleNamespace(regions=load("bench/regions.py"), page=load("bench/regions_page.py"),
                              small=load("bench/card.py").SMALL)


@pytest.mark.parametrize("name", NAMES)
def test_a_row(bench, name):
    generator = bench.regions.build(name, size=(32, 32), ngf=4)
    times, difference = bench.regions.drawing(generator, LABELS, 1, time.perf_counter)
    assert len(times) == 2
    assert difference < 1e-4  # the same pictures


def test_a_row_of_training(bench):
    generator = bench.regions.build("INADE", size=(32, 32), ngf=4)
    times, kept = bench.regions.training(generator, LABELS, 1, time.perf_counter)
    assert len(times) == 2
    assert all(of > 0 for of in kept)


@pytest.mark.parametrize("train", [False, True])
def test_what_is_timed_on_a_gpu(bench, train):
    calls = bench.regions.on_gpu("GroupDNet", LABELS, bench.small, train=train)
    for call in calls:
        call.run()
    assert [call.name for call in calls if call.compiles] == [bench.regions.PEER]
    assert bench.regions.PUBLISHED in {call.name for call in calls}


def test_the_page(bench, tmp_path, monkeypatch):
    monkeypatch.setattr(bench.page, "SMALL", bench.small)
    page = tmp_path / "page.md"
    bench.page.main(["device=cuda", "small", "networks=INADE,GroupDNet", "repeats=1", f"page={page}"])
    text = page.read_text()
    assert all(f"| {name}, " in text.replace(" | ", ", ") for name in ("INADE", "GroupDNet"))
    assert text.count(bench.regions.PEER) == 2
    assert "failed" not in text
    assert "no time left" not in text


@pytest.mark.parametrize("words", [["quick"], ["training"]])
def test_the_page_of_a_cpu(words, bench, tmp_path, monkeypatch):
    monkeypatch.setattr(bench.page, "build", lambda name, size: bench.regions.build(name, size=size, ngf=4))
    monkeypatch.setattr(bench.page, "median_map", lambda size, count: (LABELS.long(), 19, "bands"))  # batches of two
    monkeypatch.setattr(torch, "set_num_threads", lambda threads: None)
    page = tmp_path / "page.md"
    given = ["networks=INADE", "repeats=1", "size=32", f"page={page}"]
    bench.page.main([*words, *given])
    assert "| INADE | bands, ids modulo 19 |" in page.read_text()
    assert f"`python bench/by_region.py {words[0]} networks=INADE repeats=1 size=32" in page.read_text()
