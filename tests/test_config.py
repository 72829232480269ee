"""Every yaml of conf/ composes, says what the signatures say, and takes a training step; wrong settings are named."""

import inspect
import shutil

import pytest
import torch
import yaml
from commands import ROOT, hydra, load
from commands import composed as command
from hydra import compose, initialize_config_dir
from hydra.utils import get_object, instantiate
from omegaconf import OmegaConf

from semsynth import config, runs
from semsynth.complexity.weights import random_vgg
from semsynth.errors import ConfigError
from semsynth.papers import study
from semsynth.signatures import bind, near, targets
from semsynth.training import launch

CONF = ROOT / "conf"
PRIMARY = {p.stem for p in CONF.glob("*.yaml")}
# of train.py; how scores are taken, and by which judge, is no part of a step
GROUPS = sorted(p.name for p in CONF.iterdir() if p.is_dir() and p.name in {*config.KEYS} - {"protocol", "segmenter"})
CHOICES = [(group, path.stem) for group in GROUPS for path in sorted((CONF / group).glob("*.yaml"))]
STUDIES = study.names()  # tests/papers/
EXPERIMENTS = sorted({path.stem for path in (ROOT / "experiments").glob("*.yaml")} - {*STUDIES})
SMALL = ["generator.ngf=4", "discriminator.ndf=4", "batch=2", "data.num_workers=0", "logger=csv",
         "trainer.accelerator=cpu"]
# what a choice needs besides itself at 4 channels
UNPAIRED = ["system=unpaired", "dataset.unpaired=shuffled", "discriminator=patchgan_image", "loss=unpaired",
            "system.segmenter.network.widths=[4,8]"]
AS_RELEASED = [*UNPAIRED, "dataset.unpaired=as_released"]
PAIRS_KNOWN = [*UNPAIRED, "dataset.paired_fraction=0.5"]
SECOND = ["discriminator@system.label_discriminator=patchgan_labels", "system.label_discriminator.ndf=4"]
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
    ("base", "group"): ["base.groups=2"],
    ("encoder", "style"): ["encoder.nef=4", "encoder.z_dim=4"],
    ("trainer", "ddp"): ["trainer.devices=1"],
    ("trainer", "gpu"): ["compile=false"],
}


def composed(*overrides, searchpath=True):
    found = [f"hydra.searchpath=[file://{ROOT}]"] if searchpath else []
    return command("train", *overrides, *found)


@pytest.fixture(scope="module")
def data_root(tmp_path_factory):
    """Every published layout, generated."""
    fixtures = load("tests/data/fixtures.py")
    root = tmp_path_factory.mktemp("data")
    for name in ("camvid", "cityscapes", "ade20k", "coco_stuff", "folder"):
        fixtures.make(name, root / name)
    return root


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
    if choice in ("ade20k", "ade20k_outdoor", "cityscapes", "coco_stuff", "unpaired_as_released",
                  "unpaired_as_released_input_seg") or (
            group, choice) == ("loss", "spade"):
        overrides.append(f"loss.generator.perceptual.weights={vgg}")
    cfg = config.prepare(composed(*overrides))
    cfg.trainer.max_epochs, cfg.trainer.limit_train_batches, cfg.trainer.limit_val_batches = 1, 1, 1
    trainer, system, data = runs.build(cfg)
    before = [p.detach().clone() for p in system.generator.parameters()]
    launch.fit(trainer, system, data, None)
    launch.finish_wandb()
    assert trainer.global_step == 2
    assert any(not torch.equal(a, b) for a, b in zip(before, system.generator.parameters(), strict=True))
    assert list((tmp_path / "grids").glob("*.png"))


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_experiment_composes(name):
    cfg = composed(f"experiments={name}")
    config.check_values(cfg)
    norm, _, dataset = name.rpartition("_")
    if norm.startswith("unpaired"):
        assert cfg.system["_target_"].endswith(".UnpairedSystem")
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
    cfg = composed(searchpath=False)
    assert set(cfg) == set(config.KEYS)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["batch=0"], r"batch=0 must be a whole number from 1"),
        (["epochs=two"], r"epochs=two"),
        (["+btach=3"], r"unknown key btach; did you mean batch"),
        (["size=big"], r"size=big"),
        (["size=[64]"], r"size=\[64\] must be \[H,W\]"),
        (["size=[64,64,3]"], r"size=\[64, 64, 3\]"),
        (["decay_epochs=9"], r"decay_epochs=9 is more than epochs=5"),
        (["dataset.num_classes=5"], r"num_classes=5.*12 names.*12 colours"),
        (["icpe.enabled=ture"], r"icpe\.enabled=ture.*did you mean true"),
        (["dataset.edges=true", "dataset.instances=false"], r"dataset\.instances=true"),
        (["size=100"], r"generator: size \[100,100\] is no multiple of 32.*size=\[96,96\]"),
        (["norm=clade_icpe", "icpe.enabled=false"], r"icpe\.enabled=auto"),
        (["generator.fc_offsets=true", "icpe.enabled=false"], r"icpe\.enabled=auto"),
        (["generator.edges=true", "dataset.instances=false"], r"generator\.edges=true.*dataset\.instances=true"),
        (["generator.num_classes=7"], r"generator\.num_classes=7 is not dataset\.num_classes=12"),
        (["generator.z_dim=7"], r"encoder\.z_dim=32 is not generator\.z_dim=7"),
        (["norm=mixed", "norm.transition=9"], r"norm\.transition must be 0\.\.7"),
        (["loss=spade", "loss.generator.perceptual.weights=nowhere.pth"], r"perceptual: .*nowhere\.pth.*spade_no_vgg"),
        (["trainer.strategy=ddp"], r"ddp_find_unused_parameters_true"),
        (["generator.ngf=abc"], r"generator\.ngf='abc': SPADEGenerator expects int"),
        (["+generator.nfg=3"], r"generator\.nfg: SPADEGenerator has no parameter nfg; did you mean ngf"),
        (["+logger.mode=online"], r"logger\.mode=online: this is no logger; keys of a logger are logger\.csv\.KEY"),
        (["+callbacks.ema.dekay=1"], r"callbacks\.ema\.dekay.*did you mean decay"),
        (["generator._target_=semsynth.generators.spade.SPADEGen"], r"has no SPADEGen; did you mean SPADEGenerator"),
        (["optim.generator.lr=abc"], r"optim\.generator\.lr='abc': Adam expects"),
        (["trainer.precision=foo"], r"trainer.*foo"),
        (["trainer.accelerator=tpu"], r"trainer: .*torch_xla"),
        (["trainer=gpu"], r"^trainer\.accelerator=gpu: PyTorch .* finds no GPU on this machine: take trainer=default"),
        (["matmul=fast"], r"matmul=fast must be auto, highest, high or medium"),
        (["trainer.accelerator=cpu", "trainer.devices=0"], r"trainer: .*devices=0"),
        (["trainer.max_epochs=3"], r"trainer\.max_epochs=3 is not epochs=5.*set epochs instead"),
        (["dataset.unpaired=shuffled"], r"unpaired=shuffled needs a segmenter in the loop.*experiments=unpaired"),
        (["system=unpaired"], r"system=unpaired needs dataset\.unpaired=shuffled"),
        ([*UNPAIRED, "dataset.unpaired=mixed"], r"dataset\.unpaired=mixed must be null, shuffled"),
        ([*UNPAIRED, "loss=spade_efficientnet_lite0", "loss.generator.feature_matching=null"],
         r"loss\.generator\.perceptual compares an image with the photograph"),
        ([*UNPAIRED, "loss=spade_no_vgg"], r"loss\.generator\.feature_matching compares an image with the photograph"),
        ([*UNPAIRED, "discriminator=patchgan"], r"take discriminator=patchgan_image"),
        ([*UNPAIRED, "dataset.paired_fraction=0.1"], r"loss=unpaired_paired dataset\.paired_fraction=0\.05"),
        ([*UNPAIRED, "dataset.paired_fraction=2"], r"paired_fraction=2 must be a number from 0 to 1"),
        ([*UNPAIRED, "loss=unpaired_paired"], r"paired_fraction=0\.0 and the terms.*belong together"),
        ([*AS_RELEASED, "dataset.paired_fraction=0.1"], r"means nothing where all samples are pairs"),
        ([*UNPAIRED, "loss=unpaired_cycle"], r"discriminator@system\.label_discriminator=patchgan_labels"),
        ([*UNPAIRED, *SECOND], r"discriminator@system\.label_discriminator=patchgan_labels"),
        ([*UNPAIRED, "loss=unpaired_cycle", *SECOND, "norm=clade_icpe"], r"neither instances nor offsets"),
        (["experiments=unpaired", "in_loop@system.segmenter=pretrained"], r"needs system\.segmenter\.path=FILE"),
        (["experiments=unpaired", "in_loop@system.segmenter=pretrained", "system.segmenter.path=nowhere.safetensors"],
         r"system\.segmenter: nowhere\.safetensors: there is no such"),
        (["experiments=unpaired", "in_loop@system.segmenter=pretrained", "segmenter@system.segmenter.judge=scenes",
          "dataset=camvid"], r"system\.segmenter: .* other classes than the data set"),
        ([*UNPAIRED, "system.segmenter.network.num_classes=3"], r"system\.segmenter: .* 3 channels for 12 classes"),
        (["experiments=unpaired", "network@system.segmenter.network=ppm", "batch=1"], r"system\.segmenter: .*1 value"),
        ([*UNPAIRED, "dataset.unpaired=labels_only"], r"labels_from and dataset\.unpaired=labels_only belong together"),
        ([*UNPAIRED, "dataset.unpaired=labels_only", "dataset.labels_from=scene"], r"did you mean scenes"),
        (["+trainer.max_steps=3"], r"trainer\.max_steps=3.*epochs"),
        (["scores.every_n_epochs=2", "trainer.check_val_every_n_epoch=3"], r"meet in none of the 5 epochs"),
        (["scores.every_n_epochs=1", "trainer.limit_val_batches=0"], r"limit_val_batches=0 leaves no validation"),
        (["+trainer.accumulate_grad_batches=2"], r"accumulate_grad_batches=2.*set accumulate=2 instead"),
        (["+trainer.gradient_clip_val=1.0"], r"gradient_clip_val=1\.0 is refused.*leave it out.*accumulate="),
        (["resume=auto", "run_dir=runs/2026-01-02_03-04-05_clade_scenes"], r"resume=auto.*set run_dir=runs/NAME"),
        (["size=32", "batch=1"], r"batch=1: 1 samples of 1x1 features.*too few for BatchNorm2d.*size=64"),
        (["size=32", "batch=2", "base=instance"], r"2 samples of 1x1 features.*InstanceNorm2d"),
        (["run_dir=${nowhere}"], r"run_dir.*nowhere"),
    ],
)
def test_faults_are_named(overrides, message):
    overrides = list({o.split("=")[0]: o for o in overrides}.values())
    cfg = composed(*(overrides if overrides[-1].startswith("run_dir") else [*overrides, "run_dir=x"]), "logger=csv")
    with hydra(), pytest.raises(ConfigError, match=message):
        config.prepare(cfg)


@pytest.fixture
def gpu(monkeypatch):
    """A machine with a GPU, as far as the configuration asks."""
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.get_device_name", lambda: "Old 1000")
    monkeypatch.setattr("torch.cuda.is_bf16_supported", lambda including_emulation: False)


@pytest.mark.parametrize(("overrides", "there", "expected"), [
    ([], False, "highest"), ([], True, "high"), (["trainer.accelerator=cpu"], True, "highest"),
    (["matmul=medium"], False, "medium")])
def test_matmul_is_stated(overrides, there, expected, request):
    if there:
        request.getfixturevalue("gpu")
    assert config.finalize(composed("run_dir=x", *overrides)).matmul == expected


@pytest.mark.usefixtures("gpu")
def test_a_gpu_without_bfloat16_is_named():
    with pytest.raises(ConfigError, match=r"precision=bf16-mixed: this GPU \(Old 1000\).*precision=16-mixed"):
        config.prepare(composed("trainer=gpu", "run_dir=x", "logger=csv"))


def test_the_gpu_trainer_is_what_it_says():
    cfg = composed("trainer=gpu", "run_dir=x")
    assert (cfg.compile, cfg.matmul, cfg.trainer.precision) == (True, "high", "bf16-mixed")
    assert (cfg.trainer.accelerator, cfg.trainer.devices, cfg.trainer.limit_val_batches) == ("gpu", 1, 2)


@pytest.mark.parametrize("environment", [{"LOCAL_RANK": "1", "WORLD_SIZE": "2"},
                                         {"SLURM_PROCID": "0", "SLURM_LOCALID": "0", "SLURM_NTASKS": "2"}])
def test_processes_started_from_outside_share_a_directory(environment, monkeypatch):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match="must share a directory"):
        config.prepare(composed("run_dir=runs/2026-01-02_03-04-05_clade_scenes"))


@pytest.mark.parametrize("overrides", [
    ["epochs=6", "trainer.check_val_every_n_epoch=3"], ["epochs=9", "trainer.check_val_every_n_epoch=3"],
    ["scores=none", "trainer.limit_val_batches=0"],
    ["trainer.check_val_every_n_epoch=null", "trainer.val_check_interval=3"]])
def test_scores_and_validations_that_meet_somewhere(overrides):
    config.prepare(composed("epochs=5", "scores.every_n_epochs=2", "run_dir=x", "logger=csv", *overrides))


def test_the_smoke_trainer_is_one_epoch_of_two_batches():
    cfg = composed("trainer=smoke", "run_dir=x")
    assert (cfg.epochs, cfg.trainer.max_epochs, cfg.trainer.limit_train_batches) == (1, 1, 2)
    assert cfg.trainer["_target_"] == "pytorch_lightning.Trainer"


@pytest.mark.parametrize(
    ("size", "recipe", "expected"),
    [(64, [64, 64], [64, 64]), (64, [256, 512], [64, 128]), (192, [192, 256], [192, 256]), (64, [192, 256], [64, 96])],
)
def test_one_side_keeps_the_aspect(size, recipe, expected):
    assert config.shorter_side(size, recipe) == expected


@pytest.mark.parametrize(("epochs", "decay"), [(5, 2), (10, 4), (1, 0), (200, 80)])
def test_the_decay_keeps_its_share(epochs, decay):
    cfg = config.finalize(composed(f"epochs={epochs}", "run_dir=x"))
    assert cfg.decay_epochs == decay


@pytest.mark.parametrize(
    ("overrides", "enabled"),
    [(["norm=clade"], False), (["norm=clade_icpe"], True), (["norm=clade_distf"], True),
     (["generator.fc_offsets=true"], True), (["norm=mixed"], False),
     (["norm=mixed", "norm.high._target_=semsynth.norms.clade.CLADE_ICPE"], True)],
)
def test_offsets_are_made_where_something_reads_them(overrides, enabled):
    assert config.finalize(composed(*overrides, "run_dir=x")).icpe.enabled is enabled


def test_binding_names_what_is_missing():
    with pytest.raises(ConfigError, match=r"x\.num_classes: SPADEGenerator needs a value for num_classes"):
        bind("x", {"_target_": "semsynth.generators.spade.SPADEGenerator", "norm": None})
    with pytest.raises(ConfigError, match="there is no module nowhere"):
        bind("x", {"_target_": "nowhere.Thing"})
    assert near("spad", ["spade", "other"]) == "; did you mean spade?"


def test_a_resolved_configuration_stands_alone(tmp_path):
    cfg = config.prepare(composed(f"run_dir={tmp_path}", "logger=csv"))
    assert "${" not in OmegaConf.to_yaml(cfg)


@pytest.mark.parametrize("source", ["camvid", "folder"])
def test_label_maps_from_elsewhere(source, data_root, tmp_path, monkeypatch):
    """The layouts of another data set, or of a folder, beside the photographs of this one."""
    monkeypatch.setenv("SEMSYNTH_DATA", str(data_root))
    folder = data_root / "camvid" / "trainannot"
    overrides = [*SMALL, *UNPAIRED, "dataset.unpaired=labels_only", "trainer=smoke", f"run_dir={tmp_path}", "size=64"]
    if source == "camvid":  # names that differ are given; scenes has no unknown class, so all must have a partner
        names = ("pole: fence, pavement: road, sign: fence, pedestrian: person, bicyclist: person, unlabelled: grass")
        overrides += ["dataset.labels_from=camvid", f"dataset.label_names={{{names}}}", "dataset.train_length=4",
                      "dataset.val_length=2"]
    else:
        overrides += ["dataset=camvid", f"dataset.labels_from={folder}", "size=[64,96]"]
    cfg = composed(*list({o.split("=")[0]: o for o in overrides}.values()))
    with hydra():
        cfg = config.prepare(cfg)
    trainer, system, data = runs.build(cfg)
    launch.fit(trainer, system, data, None)
    batch = next(iter(data.train_dataloader()))
    if source == "camvid":
        assert data.labels_from.table.tolist() == [0, 7, 11, 6, 6, 8, 11, 11, 9, 10, 10, 5]
    assert int(batch["labels"].max()) < 12


def test_label_maps_of_a_data_set_that_only_the_command_knows(tmp_path):
    """The package finds data sets as Hydra does, not by where its own files lie."""
    shutil.copytree(CONF, tmp_path / "conf")
    text = (CONF / "dataset" / "scenes.yaml").read_text()
    (tmp_path / "conf" / "dataset" / "mine.yaml").write_text(text.replace("name: scenes", "name: mine"))
    overrides = [*UNPAIRED, "dataset.unpaired=labels_only", "dataset.labels_from=mine", "logger=csv", "run_dir=x"]
    with initialize_config_dir(str(tmp_path / "conf"), version_base="1.3"):
        cfg = config.prepare(compose("train", overrides=overrides))
    assert cfg.dataset.labels_from.title == "mine"
    with pytest.raises(ConfigError, match="composed by Hydra"):
        config.prepare(composed(*overrides))


def test_runs_from_before_unpaired_training_still_check():
    cfg = config.prepare(composed("run_dir=x", "logger=csv"))
    for key in ("unpaired", "paired_fraction", "labels_from", "label_names"):
        cfg.dataset.pop(key)
    config.check(cfg)


@pytest.mark.parametrize("choice", ["untrained", "untrained_ppm", "pretrained"])
def test_every_segmenter_in_the_loop_can_be_chosen(choice):
    shipped = ["segmenter@system.segmenter.judge=scenes"] if choice == "pretrained" else []
    cfg = config.prepare(composed("experiments=unpaired", f"in_loop@system.segmenter={choice}", *shipped, "run_dir=x",
                                  "logger=csv"))
    segmenter = instantiate(cfg.system.segmenter, _convert_="all")
    assert segmenter(torch.zeros(2, 3, 64, 64)).shape == (2, 12, 64, 64)
    assert segmenter.frozen == (choice == "pretrained")


def test_the_small_setting_of_the_slides():
    cfg = config.prepare(composed("experiments=unpaired_small_ade20k", "run_dir=x", "logger=csv"))
    with torch.device("meta"):
        generator = instantiate(cfg.generator, _convert_="all")
    assert sum(p.numel() for p in generator.parameters()) == 13_963_251
    assert (cfg.size, cfg.epochs, cfg.decay_epochs) == ([64, 64], 50, 0)


@pytest.mark.parametrize("source", ["camvid", "folder"])
def test_label_maps_from_elsewhere_have_the_offsets_of_the_run(source, data_root, monkeypatch):
    monkeypatch.setenv("SEMSYNTH_DATA", str(data_root))
    folder = data_root / "camvid" / "trainannot"
    wanted = ["icpe.components=largest", "icpe.skip_label=3", "norm=clade_icpe", "dataset=camvid", "size=[64,96]"]
    overrides = [*SMALL, *UNPAIRED, "dataset.unpaired=labels_only", *wanted, "run_dir=x",
                 f"dataset.labels_from={source if source == 'camvid' else folder}"]
    cfg = composed(*list({o.split("=")[0]: o for o in overrides}.values()))
    with hydra():
        cfg = config.prepare(cfg)
    other = instantiate(cfg.dataset.labels_from, _convert_="all")
    assert other.dataset.offsets.offsets == instantiate(cfg.icpe)
    assert (other.dataset.offsets.offsets.components, other.dataset.offsets.offsets.skip_label) == ("largest", 3)
    assert other.label_map(0)["offsets"].shape == (2, 64, 96)
