import pytest
from commands import training
from omegaconf import OmegaConf

from semsynth.complexity.published import lookup
from semsynth.complexity.setting import facts
from semsynth.config import finalize
from semsynth.reporting.published import published_for
from semsynth.reporting.setting import differences, rank, setting_key, setting_name, transition


def composed(*overrides):
    return OmegaConf.to_container(finalize(training(*overrides, "run_dir=x")), resolve=True)


@pytest.mark.parametrize(
    ("overrides", "name"),
    [
        (["norm=spade"], "spade"),
        (["norm=clade_icpe"], "clade_icpe"),
        (["norm=clade_icpe", "dataset=cityscapes", "icpe=released"], "clade_icpe"),
        (["norm=clade_icpe", "dataset=cityscapes"], "clade_icpe, icpe=default"),
        (["norm=clade_icpe", "dataset=cityscapes", "icpe=paper"], "clade_icpe, icpe=paper"),
        (["norm=mixed", "norm.transition=5"], "mixed transition 5"),
        (["norm=mixed", "norm.high._target_=semsynth.norms.clade.CLADE_ICPE"], "mixed spade/clade_icpe transition 4"),
        (["ablation=disti"], "clade + disti"),
        (["ablation=distf"], "clade + distf"),
        (["ablation=spade_light"], "spade-light"),
        (["norm=spade", "generator.ngf=4"], "spade ngf=4"),
        (["ablation=spade_light", "dataset=cityscapes"], "spade-light"),
        (["norm=spade", "dataset=cityscapes", "generator.ngf=8"], "spade ngf=8"),
        (["norm=spade", "base=instance"], "spade, base=instance"),
        (["norm=mixed", "base=pono"], "mixed transition 4, base=pono"),
        (["norm=spade", "dataset=cityscapes"], "spade"),
        (["norm=spade", "dataset=cityscapes", "loss=spade_no_vgg"], "spade, no VGG"),
        (["norm=spade", "dataset=cityscapes", "loss=spade_efficientnet_lite0"], "spade, EfficientNet-Lite0 for VGG"),
        (["norm=spade", "dataset=cityscapes", "norm.hidden=64", "objective=wasserstein"],
         "spade, objective=Wasserstein, hidden=64"),
        (["norm=clade", "dataset=cityscapes", "encoder=style"], "clade, style encoder"),
        (["norm=clade", "generator._target_=semsynth.generators.blocks.SPADEResBlock"],
         "clade, generator=SPADEResBlock"),
        (["norm=clade", "generator.ngf=32"], "clade ngf=32"),
        (["experiments=cc_fpse_ade20k"], "CC-FPSE"),
        (["experiments=cc_fpse_scenes"], "CC-FPSE"),
        (["experiments=cc_fpse_ade20k", "encoder=none", "discriminator=patchgan", "norm=spade", "base=instance"],
         "CC-FPSE, discriminator=MultiscaleDiscriminator, no style encoder"),
        (["experiments=cc_fpse_scenes", "generator.ngf=8"], "CC-FPSE ngf=8"),
        (["experiments=dagan_cityscapes"], "DAGAN"),
        (["experiments=dagan_scenes", "norm=clade", "base=instance"], "DAGAN clade, base=instance"),
        (["experiments=pix2pixhd_ade20k"], "pix2pixHD"),
        (["experiments=pix2pixhd_scenes", "generator.ngf=8"], "pix2pixHD ngf=8"),
        (["experiments=pix2pixhd_cityscapes_512p", "objective=hinge", "encoder=instance_features",
          "loss=pix2pixhd_no_vgg"], "pix2pixHD, objective=Hinge, no VGG, instance features"),
        (["experiments=pix2pixhd_cityscapes_1024p", "base=instance"], "pix2pixHD local"),
        (["experiments=crn_cityscapes", "objective=original"], "CRN"),
        (["experiments=crn_scenes"], "CRN"),
        (["experiments=crn_cityscapes", "loss=crn_no_vgg", "discriminator=patchgan"],
         "CRN, discriminator=MultiscaleDiscriminator, no VGG"),
        (["norm=spade", "discriminator=fpse"], "spade, discriminator=FPSEDiscriminator"),
        (["norm=clade", "discriminator=oasis"], "clade, discriminator=OASISDiscriminator"),
        (["experiments=oasis_ade20k"], "OASIS"),
        (["experiments=oasis_scenes"], "OASIS"),
        (["experiments=oasis_cityscapes", "norm=clade"], "OASIS clade"),
        (["experiments=oasis_coco_stuff", "norm=clade_noise"], "OASIS clade_noise"),
        (["experiments=oasis_ade20k", "norm=spade"], "OASIS spade"),
        (["experiments=oasis_ade20k", "~loss.discriminator.labelmix", "generator.ngf=32"], "OASIS ngf=32, no LabelMix"),
        (["experiments=oasis_scenes", "loss=spade_no_vgg", "discriminator=patchgan"],
         "OASIS, discriminator=MultiscaleDiscriminator, no OASISGeneratorLoss, with FeatureMatching, "
         "with GeneratorAdversarial, with KLDivergence, no LabelMix, no OASISDiscriminatorLoss, "
         "with DiscriminatorAdversarial"),
        (["ablation=unpaired_baseline"], "clade"),
        (["ablation=unpaired_as_released"], "clade, as released, untrained S"),
        (["ablation=unpaired_pretrained"], "clade, unpaired, pretrained S"),
        (["ablation=unpaired_pretrained", "system.segmenter.frozen=false"], "clade, unpaired, fine-tuned S"),
        (["ablation=unpaired_untrained"], "clade, unpaired, untrained S"),
        (["ablation=unpaired_untrained", "dataset.unpaired=disjoint"], "clade, unpaired disjoint, untrained S"),
        (["ablation=unpaired_cycle"], "clade, unpaired, untrained S, cycle, second D"),
        (["ablation=unpaired_semi_supervised"], "clade, unpaired, untrained S, 5 % pairs"),
        (["ablation=unpaired_plain_loss"], "clade, unpaired, untrained S, plain loss"),
        (["ablation=unpaired_untrained", "loss.generator.segmentation.focal=false", "norm=mixed", "generator.ngf=8"],
         "mixed transition 4 ngf=8, unpaired, untrained S, no focal"),
    ],
)
def test_names(overrides, name):
    config = composed(*overrides)
    assert setting_name(config) == name
    assert transition(config) == next((k for k in (4, 5) if name.startswith(f"mixed transition {k}")), None)


@pytest.mark.parametrize("name", ["pix2pixhd_ade20k", "pix2pixhd_coco_stuff", "pix2pixhd_cityscapes",
                                  "crn_cityscapes"])
def test_rivals_stand_beside_their_rows_of_every_source(name):
    config = composed(f"experiments={name}")
    rows = published_for(config["dataset"]["name"], setting_name(config))
    assert {row.setting for row in rows} == {"CRN" if name.startswith("crn") else "pix2pixHD"}
    assert [row.source.split(" ")[0] for row in rows] == (["SPADE"] if name.startswith("crn") else ["CLADE", "SPADE"])
    assert facts(config)["method"] == name.partition("_")[0]


@pytest.mark.parametrize("name", ["cc_fpse_ade20k", "cc_fpse_coco_stuff", "cc_fpse_cityscapes", "dagan_ade20k",
                                  "dagan_cityscapes"])
def test_a_published_setting_stands_beside_its_own_row(name):
    config = composed(f"experiments={name}")
    row, = published_for(config["dataset"]["name"], setting_name(config))
    method = {"CC-FPSE": "cc_fpse", "DAGAN": "dagan"}[row.setting]
    assert name.startswith(method)
    assert row.scores["miou"] == lookup(row.dataset, method)[0].values["miou"]
    assert facts(config)["method"] == facts(config)["norm"] == method


def test_runs_differ_in_the_seed_alone():
    first = composed("seed=0")
    for same in (["seed=3", "trainer.devices=[1]", "logger=csv", "data.num_workers=1"], ["gpus=2", "nodes=2"],
                 ["batch=8"], ["batch=4", "gpus=2"]):
        assert setting_key(composed(*same)) == setting_key(first)
    for other in (["batch=2"], ["batch=8", "gpus=2"], ["batch.device=4"], ["recipe.kl=0.1"], ["norm=spade"],
                  ["trainer.precision=bf16-mixed"]):
        assert setting_key(composed(*other)) != setting_key(first)


def test_differences_are_the_plain_keys():
    configs = [composed("base=batch"), composed("base=instance", "batch=4")]
    batch, target = differences(configs)[0].split(", ")
    assert batch == "batch.total=8"
    assert "_target_=" in target


def test_order_of_the_papers():
    names = ["clade_icpe", "else", "clade", "mixed transition 2", "clade ngf=8", "spade-light", "spade"]
    assert sorted(names, key=rank) == ["spade", "spade-light", "mixed transition 2", "clade", "clade ngf=8",
                                       "clade_icpe", "else"]
