"""List the published weights that a configuration needs: what is there, what is missing and where it comes from.

    python tools/weights.py dataset=ade20k                  for training and scoring on a data set
    python tools/weights.py dataset=cityscapes loss=spade_no_vgg
    python tools/weights.py                                 all that anything here can use
"""

import sys
from collections.abc import Sequence
from typing import Any

from omegaconf import DictConfig, OmegaConf

from semsynth.cli import command
from semsynth.shipped import CONF


def show(needs: Sequence[Any]) -> None:
    """Print the table of files."""
    from rich.console import Console

    from semsynth.pretrained.folder import VARIABLE, folder
    from semsynth.pretrained.listing import table

    print(f"folder of weights: {folder().resolve()} (${VARIABLE}, or weights/ where that is not set)")
    shown, damaged = table(needs)
    if needs:
        Console().print(shown)
    missing = sum(need.path is None for need in needs)
    print(f"{len(needs)} files, {missing} missing" if needs else "nothing is needed from elsewhere")
    if damaged:
        print(f"damaged, or other files than their names say: {', '.join(damaged)}", file=sys.stderr, flush=True)
        sys.exit(1)


def show_all(arguments: Sequence[str]) -> bool:
    """Show what anything here can use, where nothing is asked for; return whether that was so."""
    from semsynth.pretrained.needs import all_needs

    asked = any(arguments)
    if not asked:
        show(all_needs())
    return not asked


@command(CONF / "weights.yaml", instead=show_all)
def main(cfg: DictConfig) -> None:
    """Show what the choices need."""
    from semsynth.config import losses_without
    from semsynth.pretrained.needs import needs_of

    plain: Any = OmegaConf.to_container(cfg, resolve=False)
    show(needs_of(plain, losses_without()))
