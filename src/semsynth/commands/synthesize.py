"""Turn label maps into pictures with a trained run.

    python synthesize.py run=DIR input=LABELS output=DIR                  a label map or a folder of them
    python synthesize.py run=DIR input=LABELS output=DIR samples=6        several styles of each
    python synthesize.py run=DIR input=LABELS output=DIR style=photo.jpg  the style of a photograph
    python synthesize.py run=DIR input=own.png output=DIR snap=true       a map painted in the class colours
    python synthesize.py run=DIR input=map.png output=DIR redraw=RECIPE   the picture that was saved with the recipe
"""

from typing import Any

import hydra
from omegaconf import DictConfig, OmegaConf

from semsynth import runs
from semsynth.cli import command
from semsynth.config import listed
from semsynth.shipped import CONF


def draw(cfg: DictConfig) -> None:
    """Load the run, choose the styles, draw; several processes share the label maps."""
    with runs.together():
        draw_share(cfg)


def draw_share(cfg: DictConfig) -> None:
    """The same, as this process's part of it."""
    run = runs.Run(cfg.run, cfg.checkpoint, cfg.weights)
    run.whole()
    _ = run.checkpoint  # told before anything is imported
    import torch

    from semsynth import matmul
    from semsynth.device import chosen_device
    from semsynth.sharing import gathered
    from semsynth.synthesis.maps import MapReader, chosen_size, find_masks, mask_decoder
    from semsynth.synthesis.output import made_with
    from semsynth.synthesis.pictures import synthesize
    from semsynth.synthesis.recipe import read_recipe, refuse_beside_recipe
    from semsynth.synthesis.snap import Snap, offered
    from semsynth.synthesis.styles import choose_styles

    masks = find_masks(cfg.input, cfg.output)
    generator, encoder, trained = run.generator, run.encoder, run.whole("dataset")
    training_size, data = tuple(trained.size), trained.dataset
    size = chosen_size(cfg.size, training_size)
    icpe = hydra.utils.instantiate(trained.icpe) if trained.icpe.enabled else None
    names, colours = list(data.classes), [list(c) for c in data.colours]
    painting = Snap(names, colours) if cfg.snap else None
    decode = mask_decoder(names, colours, data.get("ids"), data.get("masks"), painting)
    reader = MapReader(names, colours, decode, data.unknown, data.edges, icpe, size)
    if cfg.redraw:
        refuse_beside_recipe(cfg)
        recipe = read_recipe(cfg.redraw)
        for note in recipe.notes(run.checkpoint):
            print(note)
        styles = recipe.style_of(generator, reader.read(next(iter(masks.values()))))
    else:
        styles = choose_styles(generator, encoder, training_size, style=listed(cfg.style) or [],
                               samples=cfg.samples, interpolate=cfg.interpolate, seed=cfg.seed)
    device = chosen_device(cfg.device)
    precision = matmul.chosen(cfg.matmul, device.type)
    words: Any = OmegaConf.to_container(cfg)
    words |= {"style": [*(listed(cfg.style) or []), *([cfg.redraw] if cfg.redraw else [])], "matmul": precision}
    with offered(), matmul.matmul_precision(precision):
        grid = synthesize(generator, reader, masks, styles, cfg.output, instances=cfg.instances, device=device,
                          compile=cfg.compile, dtype=getattr(torch, cfg.precision), threads=cfg.threads,
                          overwrite=cfg.overwrite, words=made_with(words, run.checkpoint, run.weights))
    if painting:
        painting.shares = {path: share for part in gathered(painting.shares, "snap") for path, share in part.items()}
    print(*(painting.lines() if painting else []), f"weights: {run.saved}", f"pictures: {cfg.output}",
          f"grid: {grid}", sep="\n")


main = command(CONF / "synthesize.yaml")(draw)
