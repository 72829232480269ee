"""List the published weights that a configuration needs: what is there, what is missing and where it comes from.

    python tools/weights.py dataset=ade20k                  for training and scoring on a data set
    python tools/weights.py dataset=cityscapes loss=spade_no_vgg
    python tools/weights.py                                 all that anything here can use
"""

import sys
from typing import Any

from omegaconf import DictConfig, OmegaConf

from semsynth.cli import command
from semsynth.shipped import CONF


def show(cfg: DictConfig) -> None:
    """Print the table of files."""
    from rich.console import Console

    from semsynth.pretrained.folder import VARIABLE, folder
    from semsynth.pretrained.listing import table
    from semsynth.pretrained.needs import all_needs, needs_of

    plain: Any = OmegaConf.to_container(cfg, resolve=False)
    needs = needs_of(plain) if plain.get("dataset") else all_needs()
    print(f"folder of weights: {folder().resolve()} (${VARIABLE}, or weights/ where that is not set)")
    shown, damaged = table(needs)
    if needs:
        Console().print(shown)
    missing = sum(need.path is None for need in needs)
    print(f"{len(needs)} files, {missing} missing" if needs else "nothing is needed from elsewhere")
    if damaged:
        print(f"damaged, or other files than their names say: {', '.join(damaged)}", file=sys.stderr, flush=True)
        sys.exit(1)


main = command(CONF / "weights.yaml")(show)
