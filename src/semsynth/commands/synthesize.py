"""Turn label maps into pictures with a trained run.

    python synthesize.py run=DIR input=LABELS output=DIR                  a label map or a folder of them
    python synthesize.py run=DIR input=LABELS output=DIR samples=6        several styles of each
    python synthesize.py run=DIR input=LABELS output=DIR style=photo.jpg  the style of a photograph
    python synthesize.py run=DIR input=LABELS output=DIR tile=512         large pictures with the memory of a tile
    python synthesize.py run=DIR input=own.png output=DIR snap=true       a map painted in the class colours
    python synthesize.py run=DIR input=LABELS output=DIR style=photo.jpg style_labels=photo.png style.car=codes.npz
    python synthesize.py run=DIR input=map.png output=DIR redraw=RECIPE   the picture that was saved with the recipe
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import hydra
from omegaconf import DictConfig, OmegaConf

from semsynth import runs
from semsynth.cli import command
from semsynth.config import listed
from semsynth.errors import StyleError
from semsynth.shipped import CONF

BY_CLASS = ("style", "style_labels", "style_instances", "share")


def by_class(typed: Sequence[str]) -> list[str]:
    """Let `style.hair=FILE` add to the key `style`, where `style=FILE` is that of all other classes."""
    split = [argument.partition("=") for argument in typed]
    names = [key.lstrip("+") for key, _, _ in split]
    parted = {key for key in BY_CLASS if any(name.startswith(f"{key}.") for name in names)}
    return [argument if name.partition(".")[0] not in parted else
            f"++{name if '.' in name else f'{name}.all'}={value}"
            for argument, name, (_, _, value) in zip(typed, names, split, strict=True)]


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
    from semsynth.sharing import from_first, gathered
    from semsynth.synthesis.map_styles import MapStyles, choose_styles
    from semsynth.synthesis.maps import MapReader, chosen_size, find_masks, mask_decoder
    from semsynth.synthesis.output import made_with
    from semsynth.synthesis.pictures import find_instances, synthesize
    from semsynth.synthesis.recipe import read_recipe, refuse_beside_recipe
    from semsynth.synthesis.snap import Snap, offered
    from semsynth.synthesis.styles import resize_start, with_noise_of

    masks = find_masks(cfg.input, cfg.output)
    generator, encoder, trained = run.generator, run.encoder, run.whole("dataset")
    resize_start(generator, cfg.start)
    training_size, data = tuple(trained.size), trained.dataset
    size = chosen_size(cfg.size, training_size)
    icpe = hydra.utils.instantiate(trained.icpe) if trained.icpe.enabled else None
    names, colours = list(data.classes), [list(c) for c in data.colours]
    painting = Snap(names, colours) if cfg.snap else None
    decode = mask_decoder(names, colours, data.get("ids"), data.get("masks"), painting)
    reader = MapReader(names, colours, decode, data.unknown, data.edges, icpe, size, data.instances)
    files = {key: _files(cfg[key]) for key in BY_CLASS[:3]}
    share: Any = OmegaConf.to_container(cfg.share) if OmegaConf.is_config(cfg.share) else cfg.share
    if cfg.redraw:
        refuse_beside_recipe(cfg)
        recipe = read_recipe(cfg.redraw)
        for note in recipe.notes(run.checkpoint):
            print(note)
        saved = recipe.reference(generator, reader.read(next(iter(masks.values()))))
        reader = replace(reader, patches=saved.patches if saved else ())
        if reader.patches and cfg.instances:
            raise StyleError(f"{recipe.name} says which regions are instances of their own: leave instances= out")
        styles = MapStyles(generator, [saved] if saved else [])
    else:
        styles = choose_styles(generator, encoder, reader, training_size, **files, share=share,
                               resample=listed(cfg.resample) or [],
                               instance=cfg.instance if isinstance(cfg.instance, int) else listed(cfg.instance),
                               samples=cfg.samples, interpolate=cfg.interpolate, seed=cfg.seed)
    if cfg.save_codes:
        name, mask = next(iter(masks.items()))
        semantics = reader.read(mask, find_instances(masks, cfg.instances).get(name))
        from_first(lambda: styles.save(cfg.save_codes, names, semantics, len(masks)), "codes")
    device = chosen_device(cfg.device)
    precision = matmul.chosen(cfg.matmul, device.type)
    words: Any = OmegaConf.to_container(cfg)
    fitted = partial(with_noise_of, seed=cfg.seed, walked=cfg.interpolate > 0)
    sources = [path for group in files.values() for paths in group.values() for path in paths]
    words |= {"style": [*sources, *([cfg.redraw] if cfg.redraw else [])], "matmul": precision,
              "edit": {key: words[key] for key in (*BY_CLASS, "resample", "instance")}}
    with offered(), matmul.matmul_precision(precision):
        grid = synthesize(generator, reader, masks, styles, cfg.output, instances=cfg.instances, device=device,
                          compile=cfg.compile, dtype=getattr(torch, cfg.precision), threads=cfg.threads,
                          overwrite=cfg.overwrite, tile=words["tile"], fitted=fitted,
                          words=made_with(words, run.checkpoint, run.weights))
    if painting:
        painting.shares = {path: share for part in gathered(painting.shares, "snap") for path, share in part.items()}
    print(*(painting.lines() if painting else []), f"weights: {run.saved}", f"pictures: {cfg.output}",
          f"grid: {grid}", sep="\n")


def _files(value: Any) -> dict[str, list[str]]:
    """Files by whose they are: of a class, or `all`."""
    plain: Any = OmegaConf.to_container(value) if OmegaConf.is_config(value) else value
    named = plain if isinstance(plain, dict) else {"all": plain}
    return {str(name): [str(path) for path in listed(paths) or ()] for name, paths in named.items() if listed(paths)}


main = command(CONF / "synthesize.yaml", arguments=by_class)(draw)
