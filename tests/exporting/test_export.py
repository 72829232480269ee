"""Programs and runs that are handed on make the images of the networks that they came from."""

import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from commands import ROOT, composed
from omegaconf import OmegaConf

from semsynth import Synthesizer, runs
from semsynth.commands.export import write
from semsynth.errors import ConfigError
from semsynth.exporting import programs
from semsynth.exporting.export import export
from semsynth.exporting.folding import folded
from semsynth.exporting.source import Source
from semsynth.semantics import Semantics
from semsynth.style import Style
from semsynth.weights.described import read_about
from semsynth.weights.run_file import METADATA

NETWORKS = {
    "spade": {"norm": "spade"},
    "spade_vae_edges": {"norm": "spade", "z_dim": 3, "edges": True},
    "clade": {"norm": "clade"},
    "clade_vae": {"norm": "clade", "z_dim": 3},
    "clade_edges": {"norm": "clade", "edges": True, "size": (32, 64)},
    "clade_icpe_vae_edges": {"norm": "clade_icpe", "z_dim": 3, "edges": True, "unknown": 4},
    "clade_distf": {"norm": "clade_distf", "edges": True},
    "clade_disti": {"norm": "clade", "fc_offsets": True},
    "mixed_edges": {"norm": "mixed", "edges": True, "size": (32, 64)},
}


def source(run, choice="auto"):
    kept = runs.Run(run, weights=choice)
    return Source(run, OmegaConf.to_container(kept.config), kept.saved, kept.weights, kept.generator, kept.encoder)


def inputs(run, count):
    """Random inputs of a run's generator by the names that programs give them, and its images."""
    generator, cfg = runs.Run(run).generator, runs.Run(run).config
    generated = torch.Generator().manual_seed(count)
    h, w = cfg.size
    given = {"labels": torch.randint(5, (count, h, w), generator=generated)}
    if generator.z_dim:
        given["z"] = torch.randn(count, generator.z_dim, generator=generated)
    if cfg.dataset.edges:
        given["edges"] = torch.randint(2, (count, 1, h, w), generator=generated).float()
    if cfg.icpe.enabled:
        given["offsets"] = torch.rand(count, 2, h, w, generator=generated) * 2 - 1
    semantics = Semantics(given["labels"], 5, given.get("edges"), given.get("offsets"))
    with torch.no_grad():
        style = Style(vector=given["z"]) if "z" in given else None
        return given, generator(generator.prepare(semantics), style)


@pytest.fixture(scope="module")
def exported(tiny_run, tmp_path_factory):
    """exported(name, format) -> a run and the folder of its programs, made once."""
    known = {}

    def make(name, format):
        if (name, format) not in known:
            run, folder = tiny_run(**NETWORKS[name]), tmp_path_factory.mktemp(f"{name}_{format}") / "out"
            export(source(run), format, folder)
            known[name, format] = run, folder
        return known[name, format]

    return make


@pytest.mark.parametrize("name", NETWORKS)
def test_folding_changes_no_image_and_no_original(name, tiny_run):
    run = tiny_run(**NETWORKS[name])
    network = source(run).generator
    before = {key: value.clone() for key, value in network.state_dict().items()}
    plain = folded(network)
    assert before.keys() == network.state_dict().keys()
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())
    assert not [key for key in plain.state_dict() if "parametrizations" in key or "running" in key]
    given, wanted = inputs(run, 2)
    semantics = Semantics(given["labels"], 5, given.get("edges"), given.get("offsets"))
    with torch.no_grad():
        style = Style(vector=given["z"]) if "z" in given else None
        images = plain(plain.prepare(semantics), style)
    assert wanted.std() > 0.05
    torch.testing.assert_close(images, wanted, atol=1e-5, rtol=0)


# with and without a style vector, edges and offsets, both norms
@pytest.mark.parametrize("name", ["spade_vae_edges", "clade_icpe_vae_edges", "mixed_edges"])
def test_onnx_agrees_for_every_batch_size(name, exported):
    onnxruntime = pytest.importorskip("onnxruntime")
    run, folder = exported(name, "onnx")
    assert {p.name for p in folder.iterdir()} <= {"generator.onnx", "encoder.onnx"}
    session = onnxruntime.InferenceSession(folder / "generator.onnx", providers=["CPUExecutionProvider"])
    for count in (1, 3):
        given, wanted = inputs(run, count)
        assert [i.name for i in session.get_inputs()] == list(given)
        (images,) = session.run(["image"], {key: value.numpy() for key, value in given.items()})
        assert np.abs(images - wanted.numpy()).max() < 1e-4


def test_onnx_file_is_folded_and_says_what_it_takes(exported):
    onnx = pytest.importorskip("onnx")
    model = onnx.load(exported("clade_icpe_vae_edges", "onnx")[1] / "generator.onnx")
    assert not {"BatchNormalization", "OneHot"} & {node.op_type for node in model.graph.node}
    said = {entry.key: entry.value for entry in model.metadata_props}
    assert said["network"] == "generator"
    assert json.loads(said["classes"]) == ["sky", "cloud", "sun", "grass", "car"]
    assert json.loads(said["size"]) == [32, 32]
    assert json.loads(said["unknown"]) == 4
    assert json.loads(said["icpe"])["components"] == "every"
    assert [(i["name"], i["shape"]) for i in json.loads(said["inputs"])] == [
        ("labels", ["N", 32, 32]), ("z", ["N", 3]), ("edges", ["N", 1, 32, 32]), ("offsets", ["N", 2, 32, 32])]
    assert said["weights"] == "raw"


def test_onnx_encoder_gives_the_style_that_the_generator_takes(exported):
    onnxruntime = pytest.importorskip("onnxruntime")
    run, folder = exported("clade_icpe_vae_edges", "onnx")
    session = onnxruntime.InferenceSession(folder / "encoder.onnx", providers=["CPUExecutionProvider"])
    image = torch.rand(1, 3, 32, 32) * 2 - 1
    mean, _ = session.run(["mean", "log_variance"], {"image": image.numpy()})
    with torch.no_grad():
        wanted = source(run).encoder(image)[0]
    assert np.abs(mean - wanted.numpy()).max() < 1e-4


@pytest.mark.parametrize("name", ["clade_icpe_vae_edges", "mixed_edges"])
def test_exported_program_agrees_for_every_batch_size(name, exported):
    run, folder = exported(name, "torch_export")
    extra = {"metadata.json": ""}
    program = torch.export.load(folder / "generator.pt2", extra_files=extra).module()
    assert json.loads(json.loads(extra["metadata.json"])["classes"])[0] == "sky"
    for count in (1, 3):
        given, wanted = inputs(run, count)
        with torch.no_grad():
            assert (program(**given) - wanted).abs().max() < 1e-4


def differing(monkeypatch, program, network):
    """Programs are files without content, which are found to differ as told."""
    monkeypatch.setitem(programs.PROGRAMS, "torch_export", (".pt2", lambda _, path, about: path.touch() or about))
    monkeypatch.setattr(programs, "_difference", lambda *_: (program, network))


def test_what_float32_costs_the_network_itself_is_allowed(tiny_run, tmp_path, monkeypatch):
    """A network whose own rounding is above the tolerance is no fault of its program."""
    difference = programs._difference
    found = []
    monkeypatch.setattr(programs, "_difference", lambda *given: found.append(difference(*given)) or found[-1])
    export(source(tiny_run(norm="clade")), "torch_export", tmp_path / "out", tolerance=0.0)
    ((of_program, of_network),) = found
    assert 0 < of_network < 1e-4
    assert of_program <= programs.ROUNDINGS * of_network
    differing(monkeypatch, 3e-3, 1e-3)
    export(source(tiny_run(norm="clade")), "torch_export", tmp_path / "large")


@pytest.mark.parametrize(("format", "labels"), [("onnx", "uint8"), ("onnx", "int32"), ("torch_export", "uint8")])
def test_label_maps_of_other_types(format, labels, tiny_run, tmp_path):
    run = tiny_run(norm="clade")
    export(source(run), format, tmp_path / "out", labels=labels)
    given, wanted = inputs(run, 2)
    maps = given["labels"].to(getattr(torch, labels))
    if format == "onnx":
        onnxruntime = pytest.importorskip("onnxruntime")
        session = onnxruntime.InferenceSession(tmp_path / "out" / "generator.onnx", providers=["CPUExecutionProvider"])
        images = torch.from_numpy(session.run(["image"], {"labels": maps.numpy()})[0])
        said = session.get_modelmeta().custom_metadata_map["inputs"]
        assert json.loads(said)[0]["meaning"] == f"{labels} class ids, indices into classes"
    else:
        images = torch.export.load(tmp_path / "out" / "generator.pt2").module()(labels=maps)
    torch.testing.assert_close(images, wanted, atol=1e-4, rtol=0)
    with pytest.raises(ConfigError, match="labels=int8 must be one of uint8, int32, int64"):
        export(source(run), format, tmp_path / "x", labels="int8")


def test_weights_in_float16_take_half_the_place(tiny_run, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    run = tiny_run(z_dim=17, ngf=8)
    for stored in ("float32", "float16"):
        export(source(run), "onnx", tmp_path / stored, stored=stored)
    sizes = [(tmp_path / stored / "generator.onnx").stat().st_size for stored in ("float32", "float16")]
    assert 0.5 < sizes[1] / sizes[0] < 0.7  # tables and biases stay
    session = onnxruntime.InferenceSession(tmp_path / "float16" / "generator.onnx", providers=["CPUExecutionProvider"])
    given, wanted = inputs(run, 2)
    (images,) = session.run(["image"], {key: value.numpy() for key, value in given.items()})
    assert 1e-6 < np.abs(images - wanted.numpy()).max() < programs.HALF


def test_float16_is_taken_where_it_holds(tiny_run, tmp_path, monkeypatch):
    run = tiny_run()
    monkeypatch.setattr(programs, "HALF", 1e-9)
    (line,) = programs.write_programs(source(run), "onnx", tmp_path, (32, 32), tolerance=1e-4, labels="int32",
                                      stored=None)
    assert "-0" in line.rpartition("at most ")[2]
    onnx = pytest.importorskip("onnx")
    weights = onnx.load(tmp_path / "generator.onnx").graph.initializer
    assert not any(weight.data_type == onnx.TensorProto.FLOAT16 for weight in weights)
    with pytest.raises(ConfigError, match=r"differs from the network.*stored=float32"):
        export(source(run), "onnx", tmp_path / "out", stored="float16", tolerance=1e-9)


def test_a_program_of_another_size(tiny_run, tmp_path):
    run = tiny_run()
    export(source(run), "torch_export", tmp_path / "out", size=(64, 96))
    program = torch.export.load(tmp_path / "out" / "generator.pt2").module()
    assert program(labels=torch.zeros(1, 64, 96, dtype=torch.int64)).shape == (1, 3, 64, 96)


def test_a_run_of_safetensors_is_complete(tiny_run, tmp_path):
    run = tiny_run(z_dim=3, edges=True, norm="clade_icpe")
    export(source(run), "safetensors", tmp_path / "out")
    assert {str(p.relative_to(tmp_path / "out")) for p in (tmp_path / "out").rglob("*") if p.is_file()} == {
        "config.yaml", "checkpoints/last.safetensors"}
    for part in ("generator", "discriminator", "encoder"):
        a, b = (runs.Run(r).saved.part(part) for r in (run, tmp_path / "out"))
        assert a.keys() == b.keys()
        assert all(torch.equal(a[key], b[key]) for key in a)
    about = read_about(tmp_path / "out" / "checkpoints" / "last.safetensors", METADATA)
    assert (about["weights"], about["checkpoint"]) == ("raw", "last.safetensors")
    labels = torch.randint(5, (1, 32, 32))
    first, second = (Synthesizer.from_run(r)(labels, instances=labels, seed=1) for r in (run, tmp_path / "out"))
    assert torch.equal(first, second)


@pytest.mark.parametrize(("changes", "arguments", "message"), [
    ({}, {"format": "onx"}, "format=onx must be one of safetensors, onnx, torch_export, web, official, segmenter"),
    ({}, {"format": "safetensors", "size": (32, 32)}, "size= is for format=onnx, torch_export and web"),
    ({}, {"format": "onnx", "size": (33, 32)}, r"size=\[33, 32\].*no multiple of 32"),
    ({"z_dim": 3}, {"format": "torch_export", "size": (64, 64)}, r"makes 32x32 images only[^=]*: leave size= out$"),
    ({}, {"format": "torch_export", "stored": "float16"}, "stored=float16.*for format=onnx and web"),
])
def test_what_cannot_be_exported_is_said(changes, arguments, message, tiny_run, tmp_path):
    with pytest.raises(ConfigError, match=message):
        export(source(tiny_run(**changes)), output=tmp_path / "out", **arguments)
    assert not list(tmp_path.iterdir())


def test_nothing_is_overwritten_or_half_written(tiny_run, tmp_path, monkeypatch):
    run = tiny_run()
    (tmp_path / "out").mkdir()
    with pytest.raises(ConfigError, match="exists already"):
        export(source(run), "safetensors", tmp_path / "out")
    differing(monkeypatch, 0.5, 0.01)
    with pytest.raises(ConfigError, match=r"differs from the network by up to 5\.0e-01.*than what float32 costs the "
                                          r"network itself \(1e-02\).*nothing was written.*tolerance=1e\+00"):
        export(source(run), "torch_export", tmp_path / "new")
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_the_command(tiny_run, tmp_path, capsys):
    def call(*arguments):
        write(composed("export", *arguments))

    run = tiny_run()
    call(f"run={run}", "format=safetensors", f"output={tmp_path / 'out'}")
    assert "last.safetensors: generator, discriminator" in capsys.readouterr().out
    with pytest.raises(ConfigError, match="no such directory"):
        call(f"run={tmp_path / 'nowhere'}", "format=onnx", f"output={tmp_path / 'x'}")
    with pytest.raises(ConfigError, match=r"holds no moving average.*take weights=raw"):
        call(f"run={run}", "format=onnx", f"output={tmp_path / 'x'}", "weights=ema")


def test_the_command_line_says_what_is_missing(tiny_run):
    done = subprocess.run([sys.executable, ROOT / "tools" / "export.py", f"run={tiny_run()}", "format=onnx"],
                          capture_output=True, text=True)
    assert done.returncode
    assert done.stderr.strip() == ("output= is missing: python tools/export.py run=DIR format=safetensors output=DIR")
