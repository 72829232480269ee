"""Every yaml of conf/ composes, says what the signatures say, and takes a training step."""

import inspect

import pytest
import torch
import yaml
from commands import AS_RELEASED, ROOT, SECOND, SMALL, UNPAIRED, composed, training
from hydra.utils import get_object

from semsynth import config, runs
from semsynth.complexity.weights import random_vgg
from semsynth.papers import study
from semsynth.signatures import targets
from semsynth.training import launch

CONF = ROOT / "conf"
PRIMARY = {p.stem for p in CONF.glob("*.yaml")}
# of train.py; how scores are taken, and by which judge, is no part of a step
GROUPS = sorted(p.name for p in CONF.iterdir() if p.is_dir() and p.name in {*config.KEYS} - {"protocol", "segmenter"})
CHOICES = [(group, path.stem) for group in GROUPS for path in sorted((CONF / group).glob("*.yaml"))]
CHOICES.remove(("data", "shards"))  # tests/data/shards/test_training.py
for published in ("ade20k", "cityscapes", "celebamask_hq"):  # tests/config/test_own_generators.py
    CHOICES.remove(("norm", f"group_{published}"))
STUDIES = study.names()  # tests/papers/
EXPERIMENTS = sorted({path.stem for path in (ROOT / "experiments").glob("*.yaml")} - {*STUDIES})
CRN = ["generator=crn", "encoder=none", "discriminator=none", "system=regression", "loss=crn_no_vgg"]
SEAN = ["generator=sean", "norm=ace", "encoder=regions", "encoder.codes=4", "encoder.nef=2"]
GENERATORS = {  # of experiments that are named after them: what stands before the last underscore
    "cc_fpse": "CCFPSEGenerator",
    "cc_fpse_coco": "CCFPSEGenerator",
    "dagan": "DAGANGenerator",
    "pix2pixhd": "Pix2PixHDGenerator",
    "pix2pixhd_coco": "Pix2PixHDGenerator",
    "crn": "CRNGenerator",
    "sean": "SEANGenerator",
    "sean_clade": "SEANGenerator",
    "groupdnet": "GroupDNetGenerator",
    "inade": "INADEGenerator",
}
GROUPDNET = ["generator=groupdnet", "encoder=group", "encoder.class_width=2", "generator.ngf=3"]
INADE = ["generator=inade", "encoder=instance", "encoder.nef=2", "generator.noise=4"]
PATCHES_4 = ["discriminator.num_layers=4"]
PAIRS_KNOWN = [*UNPAIRED, "dataset.paired_fraction=0.5"]
# what a choice needs besides itself at 4 channels
BESIDES = {
    ("system", "unpaired"): UNPAIRED,
    ("discriminator", "patchgan_image"): UNPAIRED,
    ("discriminator", "patchgan_labels"): [*UNPAIRED, "discriminator.image_channels=3"],
    ("loss", "unpaired"): UNPAIRED,
    ("loss", "unpaired_paired"): PAIRS_KNOWN,
    ("loss", "unpaired_paired_both"): PAIRS_KNOWN,
    ("loss", "unpaired_cycle"): [*UNPAIRED, *SECOND],
    ("loss", "unpaired_as_released"): AS_RELEASED,
    ("loss", "unpaired_as_released_no_vgg"): AS_RELEASED,
    ("loss", "unpaired_as_released_input_seg"): AS_RELEASED,
    ("generator", "pix2pixhd"): ["encoder=none"],
    ("generator", "pix2pixhd_local"): ["encoder=none", "generator.blocks=1"],
    ("encoder", "instance_features"): ["generator=pix2pixhd", "encoder.nef=2"],
    ("system", "staged"): ["generator=pix2pixhd_local", "encoder=none", "generator.blocks=1", "system.fixed_epochs=0"],
    ("generator", "crn"): ["encoder=none"],
    ("discriminator", "none"): CRN,
    ("system", "regression"): CRN,
    ("optim", "regression"): CRN,
    ("loss", "crn"): CRN,
    ("loss", "crn_diverse"): [*CRN, "generator.pictures=3"],
    ("loss", "crn_no_vgg"): CRN,
    ("loss", "oasis"): ["discriminator=oasis"],
    ("discriminator", "oasis"): ["loss=oasis"],
    ("generator", "oasis"): ["encoder=none"],
    ("generator", "sean"): SEAN,
    ("norm", "ace"): SEAN,
    ("norm", "ace_clade"): SEAN,
    ("encoder", "regions"): SEAN,
    ("generator", "groupdnet"): ["encoder=none", "generator.ngf=3"],
    ("norm", "group"): GROUPDNET,
    ("generator", "inade"): ["encoder=none"],
    ("norm", "inade"): INADE,
    ("encoder", "instance"): INADE,
    ("loss", "inade"): PATCHES_4,
    ("loss", "inade_no_vgg"): PATCHES_4,
    ("encoder", "group"): GROUPDNET,
    ("norm", "spade_noise"): ["encoder=none"],
    ("norm", "clade_noise"): ["encoder=none"],
    ("base", "group"): ["base.groups=2"],
    ("encoder", "style"): ["encoder.nef=4", "encoder.z_dim=4"],
    ("trainer", "ddp"): ["trainer.devices=1"],
    ("trainer", "gpu"): ["compile=false"],
}


@pytest.fixture(scope="module")
def vgg(tmp_path_factory):
    """A state dict in the layout of torchvision's VGG-19, with random weights."""
    return random_vgg(tmp_path_factory.mktemp("weights") / "vgg19.pth")


@pytest.mark.parametrize(("group", "choice"), CHOICES, ids=[f"{g}={c}" for g, c in CHOICES])
def test_every_choice_takes_a_training_step(group, choice, data_root, vgg, tmp_path, monkeypatch):
    if choice == "tensorboard":
        pytest.importorskip("tensorboard")
    monkeypatch.setenv("SEMSYNTH_DATA", str(data_root))
    short = ["trainer=smoke"] if group != "trainer" else [f"trainer={choice}", "scores=none"]
    overrides = [*SMALL, *short, f"{group}={choice}", f"run_dir={tmp_path}", *BESIDES.get((group, choice), [])]
    overrides = list({o.split("=")[0]: o for o in [*overrides, f"{group}={choice}"]}.values())
    if group not in ("callbacks", "logger"):
        overrides.append("callbacks.checkpoints=null")
    wide = choice in ("cityscapes", "camvid")
    overrides.append("size=[64,128]" if wide else "size=64")
    if group != "dataset" or choice == "scenes":
        overrides += ["dataset.train_length=4", "dataset.val_length=2"]
    if group == "loss" and choice in ("crn", "crn_diverse"):
        overrides.append(f"loss.generator.regression.weights={vgg}")
    alone = "discriminator=none" in overrides
    overrides = [o for o in overrides if not (alone and o.startswith("discriminator."))]
    if choice in ("ade20k", "ade20k_outdoor", "cityscapes", "coco_stuff", "celebamask_hq", "deepfashion",
                  "unpaired_as_released",
                  "unpaired_as_released_input_seg") or (
            group, choice) in (("loss", "spade"), ("loss", "cc_fpse"), ("loss", "pix2pixhd"), ("loss", "inade")):
        overrides.append(f"loss.generator.perceptual.weights={vgg}")
    cfg = config.prepare(training(*overrides))
    cfg.trainer.max_epochs, cfg.trainer.limit_train_batches, cfg.trainer.limit_val_batches = 1, 1, 1
    trainer, system, data = runs.build(cfg)
    before = [p.detach().clone() for p in system.generator.parameters()]
    launch.fit(trainer, system, data, None)
    launch.finish_wandb()
    assert trainer.global_step == 2 - alone
    assert any(not torch.equal(a, b) for a, b in zip(before, system.generator.parameters(), strict=True))
    assert list((tmp_path / "grids").glob("*.png"))


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_experiment_composes(name):
    cfg = training(f"experiments={name}")
    config.check_values(cfg)
    norm, _, dataset = name.rpartition("_")
    if norm.startswith("unpaired"):
        assert cfg.system["_target_"].endswith(".UnpairedSystem")
    elif norm in GENERATORS:
        assert cfg.generator["_target_"].endswith(f".{GENERATORS[norm]}")
        assert cfg.dataset.name in name
    elif norm == "oasis":
        assert [cfg[part]["_target_"].rpartition(".")[2] for part in ("generator", "discriminator", "norm")] == [
            "OASISGenerator", "OASISDiscriminator", "SPADE_Noise"]
        assert set(cfg.loss.discriminator) == {"adversarial", "labelmix"}
    elif dataset in ("ade20k", "cityscapes"):
        assert cfg.norm["_target_"].endswith(norm.upper())
        assert cfg.dataset.name == dataset


def nodes(path):
    """(dotted path, node) of every node of a yaml that names one of our classes."""
    return [(p, n) for p, n in targets(yaml.safe_load(path.read_text())) if n["_target_"].startswith("semsynth.")]


# a data set's yaml states facts of the data, which no signature knows
FILES = [p for p in sorted(CONF.rglob("*.yaml")) if p.stem not in PRIMARY and "dataset" not in p.parts and nodes(p)]


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(CONF)))
def test_yaml_values_are_the_signatures_defaults(path):
    """Except interpolations, required parameters, and lines that say `# published:` and why."""
    text = path.read_text().splitlines()
    for _, node in nodes(path):
        parameters = inspect.signature(get_object(node["_target_"])).parameters
        for key, value in node.items():
            if key.startswith("_") or (isinstance(value, str) and "${" in value) or isinstance(value, dict):
                continue
            default = parameters[key].default if key in parameters else inspect.Parameter.empty
            if default is inspect.Parameter.empty:
                continue
            lines = [line for line in text if line.strip().startswith(f"{key}:")]
            if any("# published:" in line or "${" in line or "auto" in line for line in lines):
                continue
            if isinstance(default, tuple):
                default = list(default)
            assert value == default, f"{path.relative_to(CONF)}: {key}={value}, the signature says {default}"


def test_known_keys_are_those_of_the_primary_file():
    cfg = composed("train")
    assert set(cfg) == set(config.KEYS)


def test_the_gpu_trainer_is_what_it_says():
    cfg = training("trainer=gpu", "run_dir=x")
    assert (cfg.compile, cfg.matmul, cfg.trainer.precision) == (True, "high", "bf16-mixed")
    assert (cfg.trainer.accelerator, cfg.trainer.devices, cfg.trainer.limit_val_batches) == ("gpu", 1, 2)


def test_the_smoke_trainer_is_one_epoch_of_two_batches():
    cfg = training("trainer=smoke", "run_dir=x")
    assert (cfg.epochs, cfg.trainer.max_epochs, cfg.trainer.limit_train_batches) == (1, 1, 2)
    assert cfg.trainer["_target_"] == "pytorch_lightning.Trainer"
