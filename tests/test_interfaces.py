"""What this project brings fulfils the contracts that new networks, losses and data sets are held to, and no other."""

import importlib
import inspect
import pkgutil

import numpy as np
import pytest
from judging import save_pairs
from torch import nn

from semsynth import interfaces, losses, segmenters
from semsynth.data.folder import Folder
from semsynth.data.label_maps import OtherLabels
from semsynth.data.paired import PairedDataset
from semsynth.data.scenes import CLASSES, Scenes
from semsynth.data.scenes.dataset import SceneParts
from semsynth.data.unpaired import UnpairedDataset
from semsynth.discriminators.oasis import OASISDiscriminator
from semsynth.discriminators.patchgan import MultiscaleDiscriminator
from semsynth.discriminators.pix2pixhd import Pix2PixHDDiscriminator
from semsynth.encoders.group import GroupEncoder
from semsynth.encoders.instance import InstanceEncoder
from semsynth.encoders.instance_features import InstanceFeatureEncoder
from semsynth.encoders.style import StyleEncoder
from semsynth.evaluation.validation import ValidationScores
from semsynth.generators.crn import CRNGenerator
from semsynth.generators.groupdnet import GroupDNetGenerator
from semsynth.generators.inade import INADEGenerator
from semsynth.generators.oasis import OASISGenerator
from semsynth.generators.pix2pixhd import Pix2PixHDGenerator
from semsynth.generators.pix2pixhd_local import Pix2PixHDLocalGenerator
from semsynth.generators.spade import SPADEGenerator
from semsynth.losses.adversarial import Hinge
from semsynth.metrics.protocol import Protocol
from semsynth.metrics.style_recovery import ReadsStyle
from semsynth.metrics.style_regressor import StyleRegressor
from semsynth.norms.clade import CLADE
from semsynth.norms.inade import INADE
from semsynth.segmenters.judge import HasBackbone, HasFeatures
from semsynth.segmenters.loop import LoopSegmenter
from semsynth.segmenters.published import Renames
from semsynth.segmenters.unet import UNet
from semsynth.semantics.batch import PreparesLabels
from semsynth.training import offers
from semsynth.training.checkpoints import Checkpoints
from semsynth.training.csv_metrics import CsvMetrics
from semsynth.training.preemption import Preemption
from semsynth.training.scores import Assess, Scores
from semsynth.training.system import Batches
from semsynth.training.tensorboard import TensorBoard
from semsynth.training.threads import TrainingThreads
from semsynth.training.wandb_logger import RunLogger


def classes_in(package):
    """The networks that are written in the modules of a package."""
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        for name, kind in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if kind.__module__ == module.name and issubclass(kind, nn.Module) and not name.startswith("_"):
                yield kind


@pytest.mark.parametrize(("contract", "make"), [
    (interfaces.Generator, lambda: SPADEGenerator(CLADE, 3, size=(32, 32), ngf=2)),
    (interfaces.Generator, lambda: SPADEGenerator(CLADE, 3, size=(32, 32), ngf=2).optimize_for_inference()),
    (interfaces.Generator, lambda: Pix2PixHDGenerator(3, size=(32, 32), ngf=2, blocks=1)),
    (interfaces.Generator, lambda: Pix2PixHDLocalGenerator(3, size=(64, 64), ngf=2, blocks=1)),
    (interfaces.Generator, lambda: CRNGenerator(3, size=(8, 8), ngf=1)),
    (interfaces.StyleEncoder, lambda: InstanceFeatureEncoder(nef=2)),
    (interfaces.Discriminator, lambda: Pix2PixHDDiscriminator(3, ndf=2)),
    (interfaces.Generator, lambda: OASISGenerator(CLADE, 3, size=(32, 32), ngf=2)),
    (interfaces.StyleEncoder, lambda: StyleEncoder((32, 32), nef=2, z_dim=4)),
    (interfaces.Discriminator, lambda: MultiscaleDiscriminator(3, ndf=2)),
    (interfaces.Discriminator, lambda: OASISDiscriminator(3, ndf=2)),
    (interfaces.Segmenter, lambda: LoopSegmenter(UNet(3, widths=(4, 4, 6)), classes=["a", "b", "c"])),
    (ReadsStyle, StyleRegressor),
    (interfaces.Generator, lambda: GroupDNetGenerator(CLADE, 3, size=(32, 32), ngf=3)),
    (interfaces.StyleEncoder, lambda: GroupEncoder(3, size=(32, 32), class_width=2)),
    (interfaces.Generator, lambda: INADEGenerator(INADE, 3, size=(32, 32), ngf=2)),
    (interfaces.StyleEncoder, lambda: InstanceEncoder(nef=2)),
], ids=["generator", "folded generator", "pix2pixHD", "local enhancer", "CRN", "features", "pix2pixHD's D",
        "OASIS", "encoder", "discriminator", "OASIS's D", "segmenter", "style regressor", "GroupDNet",
        "classes", "INADE", "instances"])
def test_networks(contract, make):
    assert isinstance(make(), contract)


def test_a_drawn_image_has_the_channels_that_are_promised():
    network = SPADEGenerator(CLADE, 3, size=(32, 32), ngf=2, out_channels=1, z_dim=4)
    assert (network.out_channels, network.conv_img.out_channels, network.styled) == (1, 1, True)
    assert not SPADEGenerator(CLADE, 3, size=(32, 32), ngf=2).styled


TERMS = [kind for kind in classes_in(losses) if not inspect.isabstract(kind) and kind.__name__ != "FrozenFeatures"]


@pytest.mark.parametrize("kind", TERMS, ids=lambda kind: kind.__name__)
def test_loss_terms(kind):
    """Each takes its weight where it is made, and one bundle of inputs when it is called."""
    takes = inspect.signature(kind).parameters
    assert "weight" in takes
    assert list(inspect.signature(kind.forward).parameters) == ["self", "inputs"]
    needed = {"objective": Hinge()}
    if not issubclass(kind, losses.frozen_features.FrozenFeatures):  # which read files of weights
        given = {key: value for key, value in needed.items() if key in takes}
        term = kind(**given, weight=0.25)
        assert isinstance(term, interfaces.LossTerm)
        assert term.weight == 0.25


def test_all_terms_were_looked_at():
    assert len(TERMS) == 19


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    root = tmp_path_factory.mktemp("pairs")
    save_pairs(root)
    (root / "classes.yaml").write_text("classes: [sky, road, car, other]\n")
    return PairedDataset(Folder(root, "train", val_fraction=0.5), num_classes=4, size=(16, 16))


DATA = ("SampleSet", "LabelSide", "Sides", "ChangesByEpoch", "Settles", "ImageFiles", "LabelFiles")
DRAWN = {"SampleSet", "LabelSide", "Sides", "ChangesByEpoch", "Settles"}


@pytest.mark.parametrize(("make", "fulfilled"), [
    (lambda files: files, {*DRAWN, "ImageFiles", "LabelFiles"} - {"Settles"}),
    (lambda files: Scenes(2, 16), DRAWN),
    (lambda files: SceneParts(2, 16), DRAWN),
    (lambda files: UnpairedDataset(Scenes(2, 16), "shuffled"), {"SampleSet", "ChangesByEpoch"}),
    (lambda files: OtherLabels(Scenes(2, 16), theirs=CLASSES, ours=CLASSES), {"LabelSide", "ChangesByEpoch"}),
], ids=["files", "scenes", "parts", "unpaired", "other labels"])
def test_data_sets(files, make, fulfilled):
    """What is told apart by them: files that are read at their own size, and samples that are drawn anew."""
    made = make(files)
    assert {name for name in DATA if isinstance(made, getattr(interfaces, name))} == fulfilled


def test_files_say_where_they_are(files):
    assert files.place == {"source": "Folder", "root": str(files.source.root.resolve()), "split": "train"}
    assert files.state([1]) != files.state([0])
    assert np.array_equal(np.asarray(files.read_image(1)).shape, (16, 16, 3))


def test_every_segmenter_shows_features_and_few_do_more():
    networks = {kind for kind in classes_in(segmenters) if "num_classes" in inspect.signature(kind).parameters}
    heads = {"PyramidPooling", "UPerHead"}  # of networks
    assert {kind.__name__ for kind in networks if not issubclass(kind, HasFeatures)} == heads
    assert {kind.__name__ for kind in networks if issubclass(kind, HasBackbone)} == {"EfficientNetLite0Segmenter"}
    assert {kind.__name__ for kind in networks if issubclass(kind, Renames)} == {"DeepLabV2"}


@pytest.mark.parametrize(("kind", "offered"), [
    (RunLogger, {"LogsImages", "LogsSamples", "LogsBest", "LogsCheckpoints"}),
    (TensorBoard, {"LogsImages"}),
    (CsvMetrics, set()),
    (Scores, {"TakesScores"}),
    (Preemption, {"StopsInValidation"}),
    (Checkpoints, set()),
], ids=lambda x: x.__name__ if isinstance(x, type) else "")
def test_callbacks_and_loggers_offer(kind, offered):
    names = ("LogsImages", "LogsSamples", "LogsBest", "LogsCheckpoints", "TakesScores", "StopsInValidation")
    assert {name for name in names if issubclass(kind, getattr(offers, name))} == offered


def test_what_times_steps_says_so():
    assert isinstance(TrainingThreads(), offers.TimesSteps)
    assert not isinstance(Scores(), offers.TimesSteps)


def test_loaders_and_scores_are_what_a_training_asks_for():
    from semsynth.data.datamodule import DataModule

    loaders = DataModule(Scenes(2, 16), Scenes(2, 16), batch=2)
    assert isinstance(loaders, Batches)
    assert isinstance(loaders, PreparesLabels)
    assert isinstance(ValidationScores(Protocol("x")), Assess)
