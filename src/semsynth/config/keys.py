"""What the keys of the commands take, wherever no signature says it: one rule for a key, checked before anything else.

A star stands for any name. What a node with a `_target_` takes is said by the signature of its target.
"""

import math
from collections.abc import Iterator
from fnmatch import fnmatchcase

from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import InterpolationToMissingValueError, MissingMandatoryValue, OmegaConfBaseException

from semsynth.config.kinds import (
    FLAG,
    NAME,
    NODE,
    NULL,
    PATH,
    TEXT,
    Kind,
    any_of,
    each,
    maybe,
    number,
    one_of,
    spelled,
    whole,
    written,
)
from semsynth.errors import ConfigError
from semsynth.signatures import near

SIDE = whole(8, 16384)
SIDES = each(SIDE, "[H,W], in pixels from 8 on", 2, 2)
TILE = whole(64, 16384)
SIZE = Kind("[H,W] or the shorter side, in pixels from 8 on", any_of(SIDE, SIDES).fits)
SEED = whole(0, 2**63 - 1)
NAMES = each(NAME, "a list of names")
COLOUR = each(whole(0, 255), "[R,G,B]", 3, 3)
LOGGER = Kind("null or a logger, whose keys are logger.NAME.KEY", maybe(NODE).fits)
THREADS = any_of(one_of("auto"), whole(1, 4096))
SAMPLES = whole(1, 10**6)
BATCH = Kind(f"{SAMPLES.words}, for each GPU, or a node of batch.total, batch.device and batch.accumulation",
             any_of(SAMPLES, NODE).fits)
DEVICE = spelled(r"auto|cpu|(cuda|mps|xpu)(:\d{1,3})?", "auto, cpu, cuda or cuda:NUMBER")
DEVICES = Kind("auto, a number of devices from 1 on or a list of their numbers", any_of(
    one_of("auto", -1), whole(1), each(whole(0), "", 1), spelled(r"-1|[1-9]\d*|\d+(,\d+)+,?|\d+,", "")).fits)
DURATION = Kind("null or DD:HH:MM:SS", any_of(NULL, NODE, spelled(r"\d+:\d+:\d+:\d+", "")).fits)
PRECISION = Kind("32-true, bf16-mixed, 16-mixed or another of Lightning's precisions", one_of(
    64, 32, 16, "64", "32", "16", "bf16", "16-true", "16-mixed", "bf16-true", "bf16-mixed", "32-true", "64-true",
    "transformer-engine", "transformer-engine-float16").fits)
PART = Kind("a number of batches, or a part of them from 0.0 to 1.0", any_of(NULL, whole(0), number(0, 1)).fits)
# '' is data=shards without it
PLACE = Kind("null, or the name of a folder or its URL", lambda value: value in (None, "") or PATH.fits(value),
             names_file=True)
CHECKPOINT = Kind("auto, last, best or the name of a file", PATH.fits, names_file=True)

GROUPS = ("augment", "base", "callbacks", "data", "dataset", "dinov2", "discriminator", "encoder", "generator", "icpe",
          "inception", "logger", "loss", "network", "norm", "objective", "optim", "optimizer", "preprocessing",
          "protocol", "recipe", "regressor", "scores", "system", "trainer")

KINDS: dict[str, Kind] = {
    "size": SIZE, "read_size": SIZE, "gpus": maybe(whole(1)), "nodes": whole(1), "epochs": whole(1), "seed": SEED,
    "batch": BATCH, **dict.fromkeys(("batch.total", "batch.device", "batch.accumulation"), maybe(SAMPLES)),
    **dict.fromkeys(("generator.ngf", "discriminator.ndf", "encoder.nef"), whole(1, 8192)),
    "decay_epochs": any_of(one_of("auto"), whole(0)), "compile": FLAG, "threads": THREADS,
    "matmul": one_of("auto", "highest", "high", "medium"), "resume": maybe(PATH), "init_from": maybe(PATH),
    "run": PATH, "run_dir": PATH, "output": PATH, "device": DEVICE, "checkpoint": CHECKPOINT,
    "weights": one_of("auto", "ema", "raw"), "overwrite": FLAG, "wandb": FLAG,
    "shards": PLACE, "shards_cache": maybe(PATH),
    **dict.fromkeys(GROUPS, NODE), "dataset.train": NODE, "dataset.val": NODE, "dataset.*.source": NODE,
    "optim.*": NODE, "callbacks.*": maybe(NODE), "logger.*": LOGGER, "loss.*": NODE,
    "loss.*.*": maybe(NODE), "loss.*.*.weights": maybe(PATH),
    "trainer.num_nodes": whole(1), "trainer.devices": DEVICES, "trainer.max_time": DURATION,
    "trainer.accelerator": one_of("auto", "cpu", "cuda", "gpu", "mps", "tpu"), "trainer.precision": PRECISION,
    "trainer.limit_*_batches": PART, "segmenter": maybe(NODE), "segmenter.weights": maybe(PATH),
    # facts of a data set; classes and their number may come from its files
    "dataset.name": NAME, "dataset.root": PATH, "dataset.classes": maybe(NAMES),
    "dataset.colours": maybe(each(COLOUR, "a list of [R,G,B]")), "dataset.num_classes": maybe(whole(1, 65536)),
    "dataset.ids": maybe(each(whole(0), "a list of whole numbers")), "dataset.unknown": maybe(whole(0)),
    "dataset.instances": FLAG, "dataset.edges": FLAG, "dataset.masks": one_of("auto", "ids", "colours"),
    "dataset.resize_masks": FLAG, "dataset.val_fraction": number(0, 1), "dataset.split_seed": SEED,
    "dataset.features": NAMES, "dataset.size": SIDES, "dataset.preprocess": NAME, "dataset.load_ratio": number(1, 16),
    "dataset.flip": FLAG, "dataset.train_length": whole(1, 10**7), "dataset.val_length": whole(1, 10**7),
    "dataset.cities": maybe(NAMES), "dataset.names": maybe(PATH), "dataset.files": NAME, "dataset.partition": NAME,
    "dataset.flip_swaps": each(each(whole(0), "a pair of classes", 2, 2), "a list of pairs of classes"),
    "dataset.merge": maybe(each(whole(0, 255), "a list of whole numbers")),
    "dataset.include": each(whole(0), "a list of whole numbers"),
    "dataset.exclude": each(whole(0), "a list of whole numbers"), "dataset.include_area": number(0, 1),
    "dataset.exclude_area": number(0, 1), "dataset.unpaired": maybe(NAME), "dataset.paired_fraction": number(0, 1),
    "dataset.labels_from": maybe(PATH), "dataset.label_names": maybe(NODE),
    # recipes
    "recipe.name": NAME, "recipe.batch": whole(1), "recipe.epochs": whole(1), "recipe.decay_epochs": whole(0),
    "recipe.*ngf": whole(1, 8192), "recipe.ndf": whole(1, 8192), "recipe.hidden": whole(1, 8192),
    "recipe.z_dim": whole(0, 65536), "recipe.kl": number(0), "recipe.kl_samples": whole(1),
    "recipe.lr_*": number(0), "recipe.regenerate_fake": FLAG, "recipe.ema": maybe(number(0, 1)),
    "recipe.upsamplings": maybe(whole(5, 7)), "recipe.init_gain": number(0), "recipe.patch_layers": whole(1, 16),
    "recipe.by_size": maybe(each(NODE, "a list of rows")),
    "icpe.enabled": one_of("auto", True, False), "icpe.components": one_of("every", "largest"),
    "icpe.skip_label": maybe(whole(0)), "icpe.published": FLAG, "icpe.zero_start": FLAG,
    "scores.every_n_epochs": whole(0), "scores.monitor": maybe(any_of(NAME, NAMES)),
    "scores.mode": one_of("min", "max"), "scores.assess": maybe(NODE),
    "augment.transforms": each(NODE, "a list of transforms"),
}

ANY_NAMES = maybe(any_of(NAME, NAMES))
KINDS_OF: dict[str, dict[str, Kind]] = {
    "evaluate": {
        "run": maybe(PATH), "images": maybe(PATH), "labels": maybe(PATH), "output": maybe(PATH), "root": maybe(PATH),
        "cache": maybe(PATH), "inception.weights": maybe(PATH), "dinov2.weights": maybe(PATH), "wanted": ANY_NAMES,
        "features": ANY_NAMES, "real_statistics": ANY_NAMES, "real_statistics_of": one_of("train", "val"),
        "batch": maybe(whole(1)), "workers": whole(0, 1024)},
    "synthesize": {
        "input": PATH, "instances": maybe(PATH), "samples": whole(1, 10000), "snap": FLAG,
        **dict.fromkeys(("style", "style_labels", "style_instances"), any_of(NULL, NAME, NAMES, NODE)),
        "share": any_of(number(0, 1), NODE), "resample": ANY_NAMES, "save_codes": maybe(PATH),
        "redraw": maybe(PATH),
        "instance": any_of(NULL, whole(0), each(whole(0), "[ROW,COLUMN], in pixels", 2, 2)),
        "interpolate": whole(0, 10000), "size": any_of(NULL, one_of("native"), SIDES),
        "start": maybe(one_of("resized")), "tile": any_of(NULL, TILE, each(TILE, "[H,W], in pixels from 64 on", 2, 2)),
        "precision": one_of("float32", "bfloat16")},
    "demo": {
        "run": maybe(PATH), "compare": maybe(PATH), "size": any_of(NULL, SIDES), "host": NAME, "port": whole(0, 65535),
        "names": ANY_NAMES, "token": any_of(one_of("auto"), FLAG)},
    "export": {
        "format": NAME, "size": any_of(NULL, one_of("native"), SIDES), "labels": one_of("uint8", "int32", "int64"),
        "tolerance": number(0), "stored": maybe(one_of("float32", "float16")), "runtime": maybe(PATH), "webgpu": FLAG,
        "starts": maybe(whole(0, 100))},
    "complexity": {
        "run": maybe(PATH), "count": one_of("macs", "macs_bias"), "formulation": one_of("fast", "published"),
        "batch": whole(1), "device": one_of("auto", "cpu", "cuda"), "threads": whole(1, 4096), "runtime": FLAG,
        "repeats": whole(1), "warmup": whole(0), "labels": one_of("regions", "random"), "memory": FLAG,
        "training": FLAG,
        "memory_batches": each(whole(1), "a list of batch sizes, such as [1,2,4]", 1),
        "fits": any_of(NULL, spelled(r"(?=[0.]*[1-9])\d+(\.\d+)?[MG]i?B", "a device's memory, as in 80GB or 24GiB"))},
    "report": {
        "runs": any_of(PATH, NAMES), "status": maybe(PATH), "samples": whole(0, 10000), "project": NAME,
        "entity": maybe(NAME), "title": TEXT},
    "dashboard": {"runs": any_of(PATH, NAMES), "metrics": ANY_NAMES},
    "check_data": {"write_classes": FLAG}, "make_shards": {"shard_mb": whole(1, 2000)},
    "coco_instances": {"root": PATH, "annotations": PATH, "splits": each(one_of("train", "val"), "[train], [val] or "
                                                                         "[train,val]", 1, 2)},
    "pseudo_label": {"images": PATH, "side": maybe(SIDE)},
    "import_checkpoint": {
        "source": PATH, "epoch": any_of(NULL, NAME, whole(0)), "size": maybe(SIZE), "upsamplings": maybe(whole(5, 7)),
        "edges": any_of(NULL, FLAG), "codes": maybe(PATH)},
    "preference": {
        "action": one_of("make", "serve", "analyse"), "study": PATH,
        **dict.fromkeys(("a", "b", "real", "maps", "output"), maybe(PATH)),
        "names": maybe(each(NAME, "a list of two names", 2, 2)), "title": maybe(TEXT), "size": maybe(SIDES),
        "host": NAME, "port": whole(0, 65535), "hosts": NAMES, "draws": whole(100, 10**6), "preset": NODE},
    "train_segmenter": {
        "name": NAME, "dtype": one_of("float16", "float32"), "geometric": maybe(NODE), "photometric": maybe(NODE)},
    "train_style_regressor": {"photometric": maybe(NODE)},
}

COMPLETE = ("", "train")  # commands that hold a whole training, in which nothing may be referred to that is not there


def kind_of(key: str, command: str = "") -> Kind | None:
    """What a key of a command takes; None where no rule says it."""
    depth = key.count(".")
    for table in (KINDS_OF.get(command, {}), KINDS):
        if key in table:
            return table[key]
    return next((kind for pattern, kind in KINDS.items()
                 if pattern.count(".") == depth and fnmatchcase(key, pattern)), None)


def is_needed(key: str, command: str) -> bool:
    """Whether a key has a rule of its own, so that something reads it, and does so in vain once it is taken out."""
    kind = kind_of(key, command)
    return kind is not None and not (kind.fits(None) and kind.fits({}))


def names_file(key: str, command: str) -> bool:
    """Whether a key takes the name of a file or folder."""
    kind = kind_of(key, command)
    return kind is not None and kind.names_file


def check_kinds(cfg: DictConfig, command: str = "") -> None:
    """Check all values whose kind is known, beside each other, and that what others refer to is there.

    What is missing (`???`) is left to who needs it.

    Args:
        cfg: A composed configuration.
        command: Whose keys they are; of a training without.

    Raises:
        ConfigError: a line for each that is of another kind, or refers to what there is not.
    """
    faults = list(_faults(cfg, "", command))
    if lines := [line for line, follows in faults if not follows] or [line for line, _ in faults]:
        raise ConfigError("\n".join(lines))


def _is_text(value: str) -> bool:
    """Whether a text is whole; names of files in other encodings are not, and no YAML can keep them."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _faults(node: DictConfig, path: str, command: str) -> Iterator[tuple[str, bool]]:
    """A line for each fault, with whether the value follows another, whose fault it may be."""
    for name in map(str, node):
        key = f"{path}.{name}" if path else name
        try:
            value = node[name]
            plain = OmegaConf.to_container(value, resolve=True) if isinstance(value, ListConfig) else value
        except (MissingMandatoryValue, InterpolationToMissingValueError):
            continue
        except OmegaConfBaseException as error:
            if command not in COMPLETE or "HydraConfig was not set" in str(error):  # it is, in commands
                continue
            yield f"{key}: {str(error).splitlines()[0]}", False
            continue
        kind = kind_of(key, command)
        if kind is not None and not kind.fits(plain):
            words = f"{key}={written(plain)} must be {kind.words}{near(written(plain), kind.choices)}"
            yield words, OmegaConf.is_interpolation(node, name)
        elif command in COMPLETE and isinstance(plain, str) and not _is_text(plain):
            yield f"{key}={plain} is no UTF-8, and could not be read back: take another name", False
        elif isinstance(plain, float) and not math.isfinite(plain):
            yield f"{key}={plain} must be a finite number", OmegaConf.is_interpolation(node, name)
        elif isinstance(value, DictConfig) and not OmegaConf.is_interpolation(node, name):
            yield from _faults(value, key, command)
