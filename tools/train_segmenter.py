"""Train a segmentation network to judge generated images, and write it as one file.

    python tools/train_segmenter.py output=scenes.safetensors
    python tools/train_segmenter.py dataset=camvid size=96 output=camvid_segmenter.safetensors

The file says what it was trained on, with which command, and how well it segments the validation split; evaluate.py
takes it as segmenter=FILE. A PNG of the same name shows images, labels and predictions.
"""

import os
import shlex
import sys
import time
import warnings
from pathlib import Path
from typing import Any

os.environ.setdefault("GOMP_SPINCOUNT", "20000")  # as in train.py

import hydra
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from rich.console import Console

from semsynth import config
from semsynth.data.errors import DataError

CONF = Path(__file__).parents[1] / "conf"
SAMPLES = 12  # rows of the picture
DTYPES = ("float16", "float32")


def checked(cfg: DictConfig) -> DictConfig:
    """Complete and check the configuration before anything is built.

    Raises:
        ConfigError: names the key to change.
    """
    if OmegaConf.is_missing(cfg, "output"):
        raise config.ConfigError("output= is missing: name the file to write, as in output=segmenter.safetensors")
    if Path(cfg.output).suffix != ".safetensors":
        raise config.ConfigError(f"output={cfg.output} must end in .safetensors")
    if cfg.dtype not in DTYPES:
        raise config.ConfigError(f"dtype={cfg.dtype} must be {' or '.join(DTYPES)}")
    return config.prepare_part(cfg, ("dataset", "data", "network", "optimizer", "preprocessing", "geometric",
                                     "photometric", "system", "callbacks", "trainer"))


def train(cfg: DictConfig) -> Any:
    """Train the network of the configuration; return it with its loaders and the seconds it took.

    Raises:
        TrainingStopped: the loss is not finite, or memory ran out.
    """
    import logging

    from semsynth.training.faults import TrainingStopped, out_of_memory
    from semsynth.training.seeding import seed_all

    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    seed_all(cfg.seed)
    system = instantiate(cfg.system, _convert_="all")
    data = instantiate(cfg.data, _convert_="all")
    callbacks = [instantiate(node, _convert_="all") for node in cfg.callbacks.values() if node]
    trainer = instantiate(cfg.trainer, callbacks=callbacks, _convert_="all")
    began = time.monotonic()
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=r".*LeafSpec.*", category=FutureWarning)
            trainer.fit(system, datamodule=data)
    except (RuntimeError, MemoryError) as error:
        if not out_of_memory(error):
            raise
        raise TrainingStopped(f"out of memory with batch={cfg.batch}: take a smaller batch or size, or "
                              "trainer.precision=bf16-mixed") from error
    return trainer, system, data, round(time.monotonic() - began)


def write(cfg: DictConfig, network: Any, facts: dict[str, Any]) -> None:
    """Write the network to the output."""
    import torch

    from semsynth.segmenters.judge import save_judge

    plain = OmegaConf.to_container(cfg.network, resolve=True)
    arguments = {key: value for key, value in plain.items() if key[0] != "_"}
    unknown = cfg.dataset.unknown
    channels = range(cfg.dataset.num_classes)
    save_judge(cfg.output, network, arguments, name=cfg.name, classes=list(cfg.dataset.classes),
               preprocessing=instantiate(cfg.preprocessing, _convert_="all"), ignore=unknown,
               class_map=None if unknown is None else [None if c == unknown else c for c in channels],
               dtype=getattr(torch, cfg.dtype), dataset=cfg.dataset.name, size=list(cfg.size), epochs=cfg.epochs,
               command=shlex.join(["python", "tools/train_segmenter.py", *sys.argv[1:]]), **facts)


def report(cfg: DictConfig, data: Any, device: Any) -> dict[str, Any]:
    """Score the file as it was written, show the scores, draw the picture."""
    from semsynth.evaluation.segmenter_report import grid, plain, score_real, table
    from semsynth.segmenters.judge import load_judge

    judge = load_judge(cfg.output)
    real = data.val_set
    scores = plain(score_real(judge, data.val_dataloader(), device), judge.classes, len(real))
    Console().print(table(scores, f"{cfg.name} on {cfg.dataset.name}, validation split"))
    samples = (real[i * len(real) // min(SAMPLES, len(real))] for i in range(min(SAMPLES, len(real))))
    grid(judge, samples, [list(c) for c in cfg.dataset.colours]).save(Path(cfg.output).with_suffix(".png"))
    return scores


def run(cfg: DictConfig) -> None:
    from semsynth.segmenters.errors import SegmenterError
    from semsynth.training.faults import TrainingStopped

    try:
        cfg = checked(cfg)
        trainer, system, data, seconds = train(cfg)
        if trainer.is_global_zero:
            write(cfg, system.network, {})
            scores = report(cfg, data, system.device)
            write(cfg, system.network, {"scores": scores, "seconds": seconds})
            print(f"segmenter: {cfg.output} ({Path(cfg.output).stat().st_size / 2**20:.2f} MiB, {seconds} s of "
                  f"training)\npicture: {Path(cfg.output).with_suffix('.png')}")
    except (config.ConfigError, DataError, SegmenterError, TrainingStopped) as error:
        sys.exit(str(error).rpartition("DataError: ")[2].rstrip())
    except InstantiationException as error:
        if not isinstance(error.__cause__, ValueError | TypeError):
            raise
        sys.exit(f"{error.full_key}: {error.__cause__}")


@hydra.main(version_base="1.3", config_path="../conf", config_name="train_segmenter")
def start(cfg: DictConfig) -> None:
    run(cfg)


def main() -> None:
    try:
        start()
    except SystemExit as end:
        if end.code == 1:  # Hydra could not compose
            print(*config.suggest(sys.argv[1:], CONF, "train_segmenter"), sep="\n", file=sys.stderr)
        raise


if __name__ == "__main__":
    main()
