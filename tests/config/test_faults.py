"""Wrong settings are named, with the way out."""

import pytest
from commands import AS_RELEASED, SECOND, UNPAIRED, hydra, training

from semsynth import config
from semsynth.errors import ConfigError
from semsynth.signatures import bind, near


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
        (["encoder=regions"], r"encoder\.codes=512, but no norm reads a style for each class"),
        (["encoder=group"], r"SPADEGenerator reads no style of this encoder: take encoder=none, or another generator"),
        (["encoder=instance"], r"SPADEGenerator reads no style of this encoder"),
        (["norm=mixed", "norm.transition=9"], r"norm\.transition must be 0\.\.7"),
        (["loss=spade", "loss.generator.perceptual.weights=nowhere.pth"],
         r"perceptual: .*nowhere\.pth.*perceptual\.weights=PATH.*_no_vgg"),
        (["trainer.strategy=ddp"], r"ddp_find_unused_parameters_true"),
        (["generator.ngf=abc"], r"generator\.ngf=abc must be a whole number from 1 to 8192"),
        (["+generator.nfg=3"], r"generator\.nfg: SPADEGenerator has no parameter nfg; did you mean ngf"),
        (["+logger.mode=online"], r"logger\.mode=online must be null or a logger, whose keys are logger\.NAME\.KEY"),
        (["+callbacks.ema.dekay=1"], r"callbacks\.ema\.dekay.*did you mean decay"),
        (["generator._target_=semsynth.generators.spade.SPADEGen"], r"has no SPADEGen; did you mean SPADEGenerator"),
        (["optim.generator.lr=abc"], r"optim\.generator\.lr='abc': Adam expects"),
        (["trainer.precision=foo"], r"trainer.*foo"),
        (["trainer.accelerator=tpu"], r"trainer: .*torch_xla"),
        (["trainer=gpu"], r"^trainer\.accelerator=gpu: PyTorch .* finds no GPU on this machine: take trainer=default"),
        (["matmul=fast"], r"matmul=fast must be auto, highest, high or medium"),
        (["trainer.accelerator=cpu", "trainer.devices=0"], r"^trainer\.devices=0 must be auto, a number"),
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
        (["+trainer.accumulate_grad_batches=2"], r"accumulate_grad_batches=2.*set batch\.accumulation=2 instead"),
        (["+trainer.gradient_clip_val=1.0"], r"gradient_clip_val=1\.0 is refused.*leave it out.*batch\.total"),
        (["resume=auto", "run_dir=runs/2026-01-02_03-04-05_clade_scenes"], r"resume=auto.*set run_dir=runs/NAME"),
        (["size=32", "batch=1"], r"batch\.device=1: 1 samples of 1x1 features.*too few for BatchNorm2d.*size=64"),
        (["size=32", "batch=2", "base=instance"], r"2 samples of 1x1 features.*InstanceNorm2d"),
        (["+dataset.recipe.batch=4"], r"dataset\.recipe: recipes are a group of their own.*recipe\.KEY"),
        (["+recipe.batsch=4"], r"recipe\.batsch: recipe=scenes has a key that is read by nothing; did you mean batch"),
        (["~recipe.kl"], r"recipe=scenes says nothing of recipe\.kl: begin its file with .defaults: \[folder"),
        (["+dataset.by_size=[]"], r"dataset\.by_size: recipes are a group"),
        (["run_dir=${nowhere}"], r"run_dir.*nowhere"),
    ],
)
def test_faults_are_named(overrides, message):
    overrides = list({o.split("=")[0]: o for o in overrides}.values())
    cfg = training(*(overrides if overrides[-1].startswith("run_dir") else [*overrides, "run_dir=x"]), "logger=csv")
    with hydra(), pytest.raises(ConfigError, match=message):
        config.prepare(cfg)


@pytest.mark.usefixtures("gpu")
def test_a_gpu_without_bfloat16_is_named():
    with pytest.raises(ConfigError, match=r"precision=bf16-mixed: this GPU \(Old 1000\).*precision=16-mixed"):
        config.prepare(training("trainer=gpu", "run_dir=x", "logger=csv"))


@pytest.mark.parametrize("environment", [
    {"RANK": "1", "LOCAL_RANK": "1", "WORLD_SIZE": "2"},
    {"SLURM_PROCID": "0", "SLURM_LOCALID": "0", "SLURM_NTASKS": "2", "SLURM_NTASKS_PER_NODE": "2",
     "SLURM_STEP_NUM_TASKS": "2"}])
def test_processes_started_from_outside_share_a_directory(environment, monkeypatch):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match="must share a directory"):
        config.prepare(training("run_dir=runs/2026-01-02_03-04-05_clade_scenes"))


@pytest.mark.parametrize("overrides", [
    ["epochs=6", "trainer.check_val_every_n_epoch=3"], ["epochs=9", "trainer.check_val_every_n_epoch=3"],
    ["scores=none", "trainer.limit_val_batches=0"],
    ["trainer.check_val_every_n_epoch=null", "trainer.val_check_interval=3"]])
def test_scores_and_validations_that_meet_somewhere(overrides):
    config.prepare(training("epochs=5", "scores.every_n_epochs=2", "run_dir=x", "logger=csv", *overrides))


def test_binding_names_what_is_missing():
    with pytest.raises(ConfigError, match=r"x\.num_classes: SPADEGenerator needs a value for num_classes"):
        bind("x", {"_target_": "semsynth.generators.spade.SPADEGenerator", "norm": None})
    with pytest.raises(ConfigError, match="there is no module nowhere"):
        bind("x", {"_target_": "nowhere.Thing"})
    assert near("spad", ["spade", "other"]) == "; did you mean spade?"
