"""Turn label maps into pictures with a trained run.

    python synthesize.py run=DIR input=LABELS output=DIR                  a label map or a folder of them
    python synthesize.py run=DIR input=LABELS output=DIR samples=6        several styles of each
    python synthesize.py run=DIR input=LABELS output=DIR style=photo.jpg  the style of a photograph
    python synthesize.py run=DIR input=own.png output=DIR snap=true       a map painted in the class colours
"""

import hydra
from omegaconf import DictConfig

from semsynth import runs
from semsynth.cli import command
from semsynth.config import check_choice, check_threads, chosen_device, listed
from semsynth.shipped import CONF


def draw(cfg: DictConfig) -> None:
    """Load the run, choose the styles, draw."""
    import torch

    from semsynth import matmul
    from semsynth.synthesis.maps import MapReader, chosen_size, find_masks, mask_decoder
    from semsynth.synthesis.pictures import synthesize
    from semsynth.synthesis.snap import Snap, offered
    from semsynth.synthesis.styles import choose_styles

    check_choice(cfg, "precision", ("float32", "bfloat16"))
    check_choice(cfg, "matmul", matmul.CHOICES)
    for key in ("compile", "snap", "overwrite"):
        check_choice(cfg, key, (True, False))
    check_threads(cfg)
    masks = find_masks(cfg.input, cfg.output)
    runs.load_config(cfg.run)  # no such run is told before no such checkpoint
    checkpoint = runs.find_checkpoint(cfg.run, cfg.checkpoint)
    generator, encoder, trained = runs.load_generator(cfg.run, str(checkpoint), cfg.weights)
    training_size, data = tuple(trained.size), trained.dataset
    size = chosen_size(cfg.size, training_size)
    icpe = hydra.utils.instantiate(trained.icpe) if trained.icpe.enabled else None
    names, colours = list(data.classes), [list(c) for c in data.colours]
    painting = Snap(names, colours) if cfg.snap else None
    decode = mask_decoder(names, colours, data.get("ids"), data.get("masks"), painting)
    reader = MapReader(names, colours, decode, data.unknown, data.edges, icpe, size)
    styles = choose_styles(generator, encoder, training_size, style=listed(cfg.style) or [],
                           samples=cfg.samples, interpolate=cfg.interpolate, seed=cfg.seed)
    device = chosen_device(cfg.device)
    precision = matmul.chosen(cfg.matmul, torch.device(device).type)
    with offered(), matmul.matmul_precision(precision):
        grid = synthesize(generator, reader, masks, styles, cfg.output, instances=cfg.instances, device=device,
                          compile=cfg.compile, dtype=getattr(torch, cfg.precision), threads=cfg.threads,
                          overwrite=cfg.overwrite)
    print(*(painting.lines() if painting else []), f"weights: {runs.told(checkpoint)}", f"pictures: {cfg.output}",
          f"grid: {grid}", sep="\n")


main = command(CONF / "synthesize.yaml")(draw)
