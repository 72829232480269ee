"""The options with which the released SPADE and CLADE code builds the networks of a run."""

from __future__ import annotations

from typing import Any

from torch import nn

from semsynth.checkpoints.layouts.oasis import NOISE
from semsynth.exporting.source import Source
from semsynth.generators.cc_fpse import CCFPSEGenerator
from semsynth.generators.pix2pixhd_local import Pix2PixHDLocalGenerator
from semsynth.norms.base import Norm
from semsynth.norms.clade import CLADE, CLADE_ICPE
from semsynth.norms.spade import SPADE

UPSAMPLINGS = {5: "normal", 6: "more", 7: "most"}
HIDDEN = 128  # of SPADE's modulation, fixed in the released code
FEATURES = 64  # of CC-FPSE's label maps, the same
ENCODER_LAYERS = 6  # the same
SEAN_CLASSES, CODES = 19, 512  # of SEAN, the same


def official_options(source: Source) -> list[str]:
    """Lines to print: the options of the released ``test.py``, and what it fixes at another value than this run's."""
    generator = source.generator
    if isinstance(generator, CCFPSEGenerator):
        return _of_cc_fpse(source, generator)
    norm: Any = next(m for m in generator.modules() if isinstance(m, Norm))
    kernel = norm.shared.kernel_size[0] if isinstance(norm, SPADE) else 3
    base = "instance" if isinstance(norm.base, nn.InstanceNorm2d) else "syncbatch"
    options = [
        *_of_both(source),
        f"--norm_G spectralspade{base}{kernel}x{kernel}",
        *(["--norm_mode clade"] if isinstance(norm, CLADE) else []),
        *(["--add_dist"] if isinstance(norm, CLADE_ICPE) else []),
        *_styled(generator),
    ]
    return [f"options there: {' '.join(options)}", *(f"note: {line}" for line in _differences(source, norm))]


def _of_both(source: Source) -> list[str]:
    """Of label maps, sizes and widths."""
    condition, known = source.condition, source.condition.unknown is not None
    return [
        f"--label_nc {len(condition.classes) - known}", *(["--contain_dontcare_label"] if known else []),
        *([] if condition.edges else ["--no_instance"]),
        *_sizes(source),
    ]


def _sizes(source: Source) -> list[str]:
    (height, width), generator = source.condition.size, source.generator
    return [
        f"--preprocess_mode fixed --crop_size {width} --aspect_ratio {width / height:g}",
        f"--num_upsampling_layers {UPSAMPLINGS[generator.upsamplings]} --ngf {generator.start_channels // 16}",
    ]


def _styled(generator: Any) -> list[str]:
    return [f"--use_vae --z_dim {generator.z_dim}"] if generator.z_dim else []


def _of_cc_fpse(source: Source, generator: CCFPSEGenerator) -> list[str]:
    """Those that its code, which is built on SPADE's, has from there."""
    encoders: Any = generator.pyramid.encoders
    block: Any = generator.blocks["head_0"]
    widths = encoders[0][0].out_channels, block.gate_0.hidden.out_channels
    lines = [f"options there: {' '.join([*_of_both(source), *_styled(generator)])}"]
    if widths != (FEATURES, HIDDEN):
        lines.append(f"note: the released CC-FPSE has {FEATURES} features of the label map and {HIDDEN} hidden "
                     f"channels, this one {widths[0]} and {widths[1]}: change the numbers in the released code")
    return lines + [f"note: {line}" for line in _differences(source, None)]


def pix2pixhd_options(source: Source) -> list[str]:
    """The line of the options of pix2pixHD's ``test.py``, and where its clusters of features lie."""
    condition, generator = source.condition, source.generator
    local = isinstance(generator, Pix2PixHDLocalGenerator)
    options = [
        f"--netG {'local' if local else 'global'} --ngf {generator.trunk.first.outputs // (2 if local else 1)}",
        f"--label_nc {len(condition.classes)}", *([] if condition.edges else ["--no_instance"]),
        *(["--instance_feat"] if generator.styled else []),
    ]
    lines = [f"options there: {' '.join(options)}"]
    return lines + (["note: the clusters of features are not in these files"] if generator.styled else [])


def _differences(source: Source, norm: Any) -> list[str]:
    lines = []
    if isinstance(norm, SPADE) and norm.shared.out_channels != HIDDEN:
        lines.append(f"the released SPADE layers have {HIDDEN} hidden channels, these {norm.shared.out_channels}: "
                     "change the number in the released code")
    encoder: Any = source.encoder
    if encoder is not None and source.generator.z_dim:
        layers, width = len(encoder.layers), encoder.layers[0][0].out_channels
        if layers != ENCODER_LAYERS:
            lines.append(f"the released encoder has {ENCODER_LAYERS} layers, this one {layers}, for images below 256")
        if width != source.generator.start_channels // 16:
            lines.append(f"the released encoder is as wide as the generator (ngf), this one starts with {width} "
                         "channels")
    if source.generator.conv_img.out_channels != 3:
        lines.append(f"the released generators make 3 channels, this one {source.generator.conv_img.out_channels}")
    return lines


def sean_options(source: Source) -> list[str]:
    """The options of SEAN's ``test.py``, and what it fixes at another value than this run's."""
    generator, classes = source.generator, len(source.condition.classes)
    hidden = generator.blocks["head_0"].norm_0.labels.shared.out_channels
    options = [f"--label_nc {classes} --no_instance --norm_G spectralspadesyncbatch3x3", *_sizes(source)]
    fixed = {"classes": (SEAN_CLASSES, classes), "numbers of a class's code": (CODES, generator.class_codes),
             "hidden channels of its SPADE layers": (HIDDEN, hidden)}
    return [f"options there: {' '.join(options)}",
            *(f"note: the released code has {theirs} {what}, this run {ours}: change the number there"
              for what, (theirs, ours) in fixed.items() if theirs != ours),
            "note: the mean codes of classes are not in these files"]


def oasis_notes(source: Source) -> list[str]:
    """What one has to know to load OASIS's networks where the released code builds them."""
    generator, unknown = source.generator, source.condition.unknown
    first = "the unknown class comes first there" if unknown is not None else "classes are in the same order"
    lines = [f"{len(source.condition.classes)} label channels and {generator.noise} of noise before them; {first}",
             f"the width is {generator.start_channels // 16} (64 in the released files)"]
    if generator.noise != NOISE:
        lines.append(f"the released generators read {NOISE} channels of noise, this one {generator.noise}")
    return [f"note: {line}" for line in lines]


def groupdnet_notes(source: Source) -> list[str]:
    """What one has to know to load GroupDNet's networks where the released code builds them."""
    generator = source.generator
    lines = [f"{len(source.condition.classes)} classes, groups of the blocks {', '.join(map(str, generator.groups))}"]
    if generator.plan[0][1] != 16:  # as on ADE20K
        lines.append("the released generator of ADE20K also holds a block up_4, which it never reads and which is not "
                     "here: load with strict=False")
    return [f"note: {line}" for line in lines]


def inade_notes(source: Source) -> list[str]:
    """What one has to know to load INADE's networks where the released code builds them."""
    generator = source.generator
    return [f"note: {len(source.condition.classes)} classes, a vector of {generator.z_dim} numbers at the start and "
            f"{generator.class_codes // 2} of an instance for scale or shift (256 and 64 there, 8 on DeepFashion)"]
