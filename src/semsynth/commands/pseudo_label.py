"""Have a segmenter label a folder of photographs, which makes a data set of them.

    python tools/pseudo_label.py images=PHOTOS output=DIR segmenter=deeplab_v2 segmenter.weights=FILE.pth
    python tools/pseudo_label.py images=PHOTOS output=DIR segmenter=FILE.safetensors
    python train.py dataset=folder dataset.root=DIR

What is labelled already stays, so that it can be stopped and called again. Ends with code 1 when photographs cannot be
read.
"""

import sys
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from rich.console import Console

from semsynth.cli import command
from semsynth.config import built, check_signatures
from semsynth.errors import ConfigError
from semsynth.evaluation.arguments import with_judge
from semsynth.shipped import CONF
from semsynth.spelling import named, typed


def make(cfg: DictConfig, console: Console) -> int:
    """Label them; return the exit code."""
    from semsynth.data.check_report import progress_bar
    from semsynth.data.pseudo_labels import class_text, label, plan
    from semsynth.device import chosen_device
    from semsynth.pretrained.folder import tool
    from semsynth.segmenters.judge import Judge
    from semsynth.segmenters.labelling import Labeller

    plain: Any = OmegaConf.to_container(cfg, resolve=True)
    check_signatures(plain, ("segmenter",))
    judge = built(cfg.segmenter) if cfg.get("segmenter") else None
    if not isinstance(judge, Judge):
        raise ConfigError(f"segmenter: {judge.told(tool(None))}" if judge is not None else
                          "segmenter: name the network that labels, as in segmenter=FILE.safetensors")
    images, output = Path(cfg.images).expanduser(), Path(cfg.output).expanduser()
    origin = f"{judge.name} ({str(judge.sha256)[:16]}), shorter side {cfg.side or 'as it is'}"
    jobs = plan(images, output, class_text(judge.classes, judge.ignore, origin), cfg.overwrite)
    faults = label(jobs, Labeller(judge.to(chosen_device(cfg.device)), cfg.side),
                   progress_bar("photographs", console, len(jobs)))
    console.print(f"{len(jobs) - len(faults)} label maps made in {output / 'labels'}", highlight=False, soft_wrap=True)
    for fault in faults:
        console.print(f"  {fault}", markup=False, highlight=False, soft_wrap=True)
    console.print(f"next: {typed(['check_data', 'dataset=folder', named('dataset.root', output)])}", soft_wrap=True,
                  markup=False)
    return int(bool(faults))


def run(cfg: DictConfig) -> None:
    """Label, and end with code 1 where photographs cannot be read."""
    if code := make(cfg, Console()):
        sys.exit(code)


main = command(CONF / "pseudo_label.yaml", arguments=with_judge)(run)
