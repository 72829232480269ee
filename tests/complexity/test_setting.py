import pytest
import torch

from semsynth.complexity.setting import Options, check_precision, facts, method, norm_name


def config(norm="spade.SPADE", ngf=64, dataset="ade20k", size=(256, 256), **generator):
    return {"norm": {"_target_": f"semsynth.norms.{norm}"}, "size": list(size),
            "dataset": {"name": dataset, "num_classes": 151, "edges": False},
            "recipe": {"name": dataset, "light_ngf": 32 if dataset == "cityscapes" else 8},
            "generator": {"_target_": "semsynth.generators.spade.SPADEGenerator", "ngf": ngf, "z_dim": 0, **generator}}


@pytest.mark.parametrize(("cfg", "name"), [
    (config(), "spade"), (config("clade.CLADE_ICPE"), "clade_icpe"), (config(ngf=8), "spade_light"),
    (config(ngf=32, dataset="cityscapes", size=(256, 512)), "spade_light"),
    (config(ngf=8, dataset="cityscapes", size=(256, 512)), None), (config("clade.CLADE", ngf=8), None),
    (config(size=(128, 128)), None), (config(z_dim=256), None), (config(fc_offsets=True), None),
    (config(dataset="scenes", size=(256, 256)), None),
])
def test_what_the_papers_call_it(cfg, name):
    assert method(cfg) == name
    assert facts(cfg)["method"] == name


def test_mixtures_have_their_transition_in_the_name():
    spade, clade = {"_target_": "a.SPADE"}, {"_target_": "a.CLADE"}
    assert norm_name({"_target_": "a.Mixed", "low": spade, "high": clade, "transition": 4}) == "mixed_4"
    assert norm_name({"_target_": "a.Mixed", "low": clade, "high": spade, "transition": 1}) == "mixed_clade_spade_1"


@pytest.mark.parametrize(("given", "words"), [
    ({"device": "tpu"}, "device=tpu must be auto, cpu or cuda"), ({"threads": 0}, "threads=0 must be a whole number"),
    ({"batch": 1.5}, r"batch=1\.5"), ({"repeats": 0}, "repeats=0"), ({"warmup": -1}, "warmup=-1"),
    ({"runtime": "no"}, "runtime=no must be true or false"), ({"labels": "flat"}, "labels=flat must be regions or"),
    ({"memory_batches": []}, r"such as \[1,2,4\]"), ({"memory_batches": 4}, r"such as \[1,2,4\]"),
    ({"memory_batches": [0]}, "memory_batches=0"),
])
def test_options_are_checked(given, words):
    with pytest.raises(ValueError, match=words):
        Options(**given)


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
def test_without_cuda():
    assert Options().chosen_device == torch.device("cpu")
    with pytest.raises(ValueError, match="finds no CUDA device here; take device=cpu"):
        Options(device="cuda")


def test_precisions():
    check_precision("bf16-mixed", torch.device("cpu"))
    for precision in ("16-mixed", "64-true"):
        with pytest.raises(ValueError, match=f"precision={precision} is not measured on cpu: take 32-true, bf16-mixed"):
            check_precision(precision, torch.device("cpu"))
