import csv
import io
import json
from functools import partial

import pytest
from rich.console import Console

from semsynth.complexity import memory, record, sweep
from semsynth.complexity.figure import draw
from semsynth.complexity.measure import Parts, measure
from semsynth.complexity.released.spade import PublishedSPADE
from semsynth.complexity.setting import Options
from semsynth.complexity.tables import compared, markdown, number, show
from semsynth.discriminators.patchgan import MultiscaleDiscriminator
from semsynth.encoders.none import no_encoder
from semsynth.generators.spade import SPADEGenerator
from semsynth.norms.clade import CLADE
from semsynth.norms.spade import SPADE

OPTIONS = Options(device="cpu", repeats=2, memory=False)


def parts(norm=CLADE, ngf=4, **kwargs):
    return Parts(partial(SPADEGenerator, norm, 5, size=(64, 64), ngf=ngf), partial(MultiscaleDiscriminator, 5, ndf=4),
                 no_encoder, None, (64, 64), 5, False, None, **kwargs)


def setting(norm="clade", **kwargs):
    return {"dataset": "ade20k", "norm": norm, "size": [64, 64], "ngf": 4, "method": None, **kwargs}


@pytest.fixture(scope="module")
def records():
    return [measure(parts(norm), OPTIONS, setting(name)) for norm, name in ((SPADE, "spade"), (CLADE, "clade"))]


def test_what_a_record_holds(records):
    found = records[0]
    assert {"format", "parameters", "macs", "layers", "runtime", "setting", "skipped"} <= set(found)
    assert found["skipped"] == {"memory": "memory=false"}
    run = found["runtime"]
    assert run["median_s"] > 0
    assert (run["device"], run["threads"], run["batch"], run["precision"]) == ("cpu", 1, 1, "32-true")
    assert 0 < run["distinct_patches"] <= 1
    assert found["parameters"]["total"] == sum(layer["parameters"] for layer in found["layers"])
    assert found["networks"].keys() == {"discriminator"}
    json.dumps(found)


def test_a_record_survives_the_disk(records, tmp_path):
    path = record.save(records[1], tmp_path / "a")
    assert record.load(path) == json.loads(json.dumps(records[1]))
    assert sorted(p.name for p in path.parent.iterdir()) == ["complexity.json", "layers.csv"]
    with (tmp_path / "a" / "layers.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(records[1]["layers"])
    assert float(rows[1]["published_parameter_ratio"]) > 0
    assert rows[2]["follows"] == rows[1]["name"]


def test_the_formulation_is_taken_and_said_and_its_ratio_stands_beside_the_published_one(monkeypatch):
    drawn, forward = [], PublishedSPADE.forward
    monkeypatch.setattr(PublishedSPADE, "forward", lambda *given: drawn.append(given) or forward(*given))
    options = Options(formulation="published", device="cpu", repeats=1, memory=False)
    found = [measure(parts(norm), options, setting(name, method=name))
             for norm, name in ((SPADE, "spade"), (CLADE, "clade"))]
    assert len(drawn) == 6  # a warm-up, and a repeat with hooks and without
    assert found[0]["runtime"]["norm_s"] > found[1]["runtime"]["norm_s"] > 0
    for record_, seconds in zip(found, (3.0, 2.0), strict=True):
        record_["runtime"]["cpu_s"] = seconds
    text = markdown(found)
    assert text.count("| published |") == 2
    assert "ade20k, published formulation, one CPU thread: SPADE takes 1.50 times CLADE's time; published 2.40" in text
    # times of two formulations make no ratio
    assert "SPADE takes" not in markdown([found[0], found[1] | {"formulation": "fast"}])


@pytest.mark.parametrize("text", ["", "[]", '{"format": 2}', "{}"])
def test_other_files_are_named(text, tmp_path):
    (tmp_path / "complexity.json").write_text(text)
    with pytest.raises(ValueError, match=r"complexity\.json is no record of tools/complexity\.py"):
        record.load(tmp_path / "complexity.json")


def test_a_sweep_is_summarised(records, tmp_path):
    for index, found in enumerate(records):
        record.save(found, tmp_path / str(index))
    path = sweep.summarise(tmp_path)
    assert len(path.read_text().splitlines()) == 4
    assert (tmp_path / "layers_ade20k.png").stat().st_size > 10_000


def test_memory_beside_the_papers_includes_the_weights(records):
    peaks = {"training": [{"batch": 1, "peak_bytes": 3_000_000_000, "weights_bytes": 500_000_000}]}
    known = records[1] | {"setting": setting(method="clade"), "memory": peaks}
    assert ("training (GB)", "3.5", "3.68") in compared(known)


def test_published_numbers_stand_beside_ours(records):
    known = records[1] | {"setting": setting(method="clade"),
                          "parameters": {"total": 71_430_000, "backbone": 68_120_000, "norm": 3_305_000}}
    assert compared(known)[:3] == [("parameters (M)", "71.4", "71.4"), ("of the backbone (M)", "68.1", "68.1"),
                                   ("of the norms (M)", "3.3", "3.3")]
    assert "| 71.4 (71.4) | 68.1 (68.1) | 3.3 (3.3) |" in markdown([known])
    assert "clade, ngf 4" in markdown([records[1]])


def test_biases_count_where_they_are_asked_for(records):
    found = measure(parts(), Options(device="cpu", runtime=False, memory=False, count="macs_bias"), setting())
    assert found["macs_bias"]["total"] == found["macs"]["total"] + sum(row["additions"] for row in found["layers"])
    assert all(found[key] == records[1][key] for key in ("macs", "macs_bias"))
    headings = [{heading for heading, *_ in compared(record)} for record in (records[1], found)]
    assert [("MACs (G)" in h, "MACs + biases (G)" in h) for h in headings] == [(True, False), (False, True)]
    with pytest.raises(ValueError, match="count=flops must be macs or macs_bias"):
        Options(count="flops")


@pytest.mark.parametrize(("value", "text"), [(181.15, "181.2"), (4.104, "4.1"), (0.84, "0.84"), (0.0004, "0.0004"),
                                             (0, "0")])
def test_numbers(value, text):
    assert number(value) == text


def test_the_tables_are_printed(records):
    console = Console(width=120, record=True, file=io.StringIO())
    show(records[0], console)
    text = console.export_text()
    assert "up_3.conv_1" in text
    assert "left out: memory (memory=false)" in text
    assert "1 threads, batch 1, 32-true" in text


def test_a_figure_needs_the_same_blocks(records, tmp_path):
    fewer = records[0] | {"layers": records[0]["layers"][:-4]}
    for wrong in ([], [records[0], fewer]):
        assert draw(wrong, tmp_path / "figure.png") is None
    assert not (tmp_path / "figure.png").exists()


def test_memory_that_cannot_be_measured_is_left_out(monkeypatch, tmp_path):
    monkeypatch.setattr(memory, "STATUS", tmp_path / "nowhere")
    found = measure(parts(), Options(device="cpu", runtime=False), setting())
    assert "memory" not in found
    assert "set memory=false" in found["skipped"]["memory"]


@pytest.mark.skipif(not memory.RESET.exists(), reason="needs /proc")
def test_memory_is_measured():
    found = measure(parts(ngf=8), Options(device="cpu", runtime=False, memory_batches=[1]), setting())["memory"]
    assert found["inference"][0]["batch"] == 1
    assert found["inference"][0]["peak_bytes"] > 0
    assert found["training"] == []  # without a system
    assert found["inference"][0]["weights_bytes"] > 10_000


def test_a_wrong_precision():
    with pytest.raises(ValueError, match=r"trainer\.precision=64-true"):
        measure(parts(precision="64-true"), OPTIONS, setting())
