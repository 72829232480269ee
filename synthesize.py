"""Turn label maps into pictures with a trained run.

    python synthesize.py run=DIR input=LABELS output=DIR                  a label map or a folder of them
    python synthesize.py run=DIR input=LABELS output=DIR samples=6        several styles of each
    python synthesize.py run=DIR input=LABELS output=DIR style=photo.jpg  the style of a photograph
    python synthesize.py run=DIR input=own.png output=DIR snap=true       a map painted in the class colours
"""

from pathlib import Path

import hydra
from omegaconf import DictConfig

from semsynth import runs
from semsynth.cli import command
from semsynth.config import check_threads
from semsynth.errors import ConfigError

PRECISIONS = ("float32", "bfloat16")


def draw(cfg: DictConfig) -> None:
    """Load the run, choose the styles, draw."""
    import torch

    from semsynth import matmul
    from semsynth.synthesis.maps import MapReader, chosen_size, find_masks, mask_decoder
    from semsynth.synthesis.pictures import synthesize
    from semsynth.synthesis.snap import Snap, offered
    from semsynth.synthesis.styles import choose_styles

    if cfg.precision not in PRECISIONS:
        raise ConfigError(f"precision={cfg.precision}: take one of {', '.join(PRECISIONS)}")
    for key in ("compile", "snap", "overwrite"):
        if not isinstance(cfg[key], bool):
            raise ConfigError(f"{key}={cfg[key]}: take true or false")
    if cfg.matmul not in matmul.CHOICES:
        raise ConfigError(f"matmul={cfg.matmul}: take one of {', '.join(matmul.CHOICES)}")
    check_threads(cfg)
    run, masks, output = cfg.run, find_masks(cfg.input, cfg.output), cfg.output
    runs.load_config(run)  # no such run is told before no such checkpoint
    checkpoint = runs.find_checkpoint(run, cfg.checkpoint)
    generator, encoder, trained = runs.load_generator(run, str(checkpoint), cfg.weights)
    training_size = tuple(trained.size)
    size = chosen_size(cfg.size, training_size)
    data = trained.dataset
    icpe = hydra.utils.instantiate(trained.icpe) if trained.icpe.enabled else None
    names, colours = list(data.classes), [list(c) for c in data.colours]
    painting = Snap(names, colours) if cfg.snap else None
    decode = mask_decoder(names, colours, data.get("ids"), data.get("masks"), painting)
    reader = MapReader(names, colours, decode, data.unknown, data.edges, icpe, size)
    style = [] if cfg.style is None else [cfg.style] if isinstance(cfg.style, str) else list(cfg.style)
    styles = choose_styles(generator, encoder, training_size, style=style, samples=cfg.samples,
                           interpolate=cfg.interpolate, seed=cfg.seed)
    device = ("cuda" if torch.cuda.is_available() else "cpu") if cfg.device == "auto" else cfg.device
    precision = matmul.chosen(cfg.matmul, torch.device(device).type)
    with offered(), matmul.matmul_precision(precision):
        grid = synthesize(generator, reader, masks, styles, output, instances=cfg.instances, device=device,
                          compile=cfg.compile, dtype=getattr(torch, cfg.precision), threads=cfg.threads,
                          overwrite=cfg.overwrite)
    print(*(painting.lines() if painting else []), f"weights: {runs.told(checkpoint)}", f"pictures: {output}",
          f"grid: {grid}", sep="\n")


main = command(Path(__file__).parent / "conf" / "synthesize.yaml")(draw)

if __name__ == "__main__":
    main()
