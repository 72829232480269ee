"""The files of weights that are published: what each is called in the folder of weights, and where it comes from."""

from dataclasses import dataclass

TORCHVISION = "https://download.pytorch.org/models"
CSAIL = "http://sceneparsing.csail.mit.edu/model/pytorch"


@dataclass(frozen=True)
class PretrainedFile:
    """A file of weights that its authors offer for download.

    Args:
        name: Path below the folder of weights: the authors' name, below the name of a model where several files of
            theirs are called alike.
        url: Of the file, or of the page that offers it.
        digest: Beginning of its SHA-256 where the authors tell it; empty where they do not.
        megabytes: About so many (2^20 bytes).
        also: Another name under which the same file is offered.
        fetched: Whether it is downloaded where it is missed, as torchvision and torchmetrics do. The others are asked
            for by hand: their licences differ.
    """

    name: str
    url: str
    digest: str = ""
    megabytes: int = 0
    also: str | None = None
    fetched: bool = False


def _torchvision(name: str, megabytes: int, fetched: bool = True) -> PretrainedFile:
    """A file whose name ends, as all of torchvision's, with the beginning of its SHA-256."""
    digest = name.removesuffix(".pth").rpartition("-")[2]
    return PretrainedFile(name, f"{TORCHVISION}/{name}", digest, megabytes, fetched=fetched)


def _csail(model: str, epoch: int, encoder: int, decoder: int) -> tuple[PretrainedFile, ...]:
    """The two files of a model of MIT CSAIL."""
    return tuple(PretrainedFile(f"{model}/{half}_epoch_{epoch}.pth", f"{CSAIL}/{model}/{half}_epoch_{epoch}.pth",
                                megabytes=size) for half, size in (("encoder", encoder), ("decoder", decoder)))


VGG19 = _torchvision("vgg19-dcbb9e9d.pth", 548)
INCEPTION = PretrainedFile(
    "weights-inception-2015-12-05-6726825d.pth",
    "https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/weights-inception-2015-12-05-6726825d.pth",
    "6726825d", 91, also="pt_inception-2015-12-05-6726825d.pth", fetched=True)  # the latter is pytorch-fid's name
LPIPS = {"alex": _torchvision("alexnet-owt-7be5be79.pth", 233), "vgg": _torchvision("vgg16-397923af.pth", 528),
         "squeeze": _torchvision("squeezenet1_1-b8a52dc0.pth", 5)}
DINOV2 = PretrainedFile("dinov2_vitl14_pretrain.pth",
                        "https://dl.fbaipublicfiles.com/dinov2/dinov2_vitl14/dinov2_vitl14_pretrain.pth",
                        megabytes=1161)

# by the choice of conf/segmenter
JUDGES: dict[str, tuple[PretrainedFile, ...]] = {
    "upernet101": _csail("ade20k-resnet101-upernet", 50, 163, 155),
    "upernet50": _csail("ade20k-resnet50-upernet", 30, 90, 155),
    "upernet18": _csail("ade20k-resnet18dilated-ppm_deepsup", 20, 43, 51),
    "deeplab_v2": (PretrainedFile(
        "deeplabv2_resnet101_msc-cocostuff164k-100000.pth",
        "https://github.com/kazuto1011/deeplab-pytorch/releases/download/v1.0/"
        "deeplabv2_resnet101_msc-cocostuff164k-100000.pth", megabytes=214),),
    "drn_d_105": (PretrainedFile("drn-d-105_ms_cityscapes.pth",
                                 "https://github.com/fyu/drn (README, semantic segmentation, Cityscapes models)",
                                 megabytes=207),),
    "deeplab_v3": (_torchvision("deeplabv3_resnet101_coco-586e9e4e.pth", 233, fetched=False),),
    "celebamask_unet": (PretrainedFile(
        "celebamask_unet/model.pth", "https://github.com/switchablenorms/CelebAMask-HQ (face_parsing)", megabytes=8),),
}
