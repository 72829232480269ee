"""Turn label maps into pictures with a trained run.

    python synthesize.py run=DIR input=LABELS output=DIR                  a label map or a folder of them
    python synthesize.py run=DIR input=LABELS output=DIR samples=6        several styles of each
    python synthesize.py run=DIR input=LABELS output=DIR style=photo.jpg  the style of a photograph
"""

from pathlib import Path

import hydra
from omegaconf import DictConfig

from semsynth import runs
from semsynth.cli import command

PRECISIONS = ("float32", "bfloat16")


def draw(cfg: DictConfig) -> None:
    """Load the run, choose the styles, draw."""
    import torch

    from semsynth.synthesis.maps import MapReader, chosen_size, find_masks, mask_decoder
    from semsynth.synthesis.pictures import synthesize
    from semsynth.synthesis.styles import choose_styles

    if cfg.precision not in PRECISIONS:
        raise runs.ConfigError(f"precision={cfg.precision}: take one of {', '.join(PRECISIONS)}")
    if not isinstance(cfg.compile, bool):
        raise runs.ConfigError(f"compile={cfg.compile}: take true or false")
    run, masks, output = cfg.run, find_masks(cfg.input), cfg.output
    generator, encoder, trained = runs.load_generator(run, cfg.checkpoint, cfg.weights)
    training_size = tuple(trained.size)
    size = chosen_size(cfg.size, training_size)
    data = trained.dataset
    icpe = hydra.utils.instantiate(trained.icpe) if trained.icpe.enabled else None
    names, colours = list(data.classes), [list(c) for c in data.colours]
    decode = mask_decoder(names, colours, data.get("ids"), data.get("masks"))
    reader = MapReader(names, colours, decode, data.unknown, data.edges, icpe, size)
    style = [] if cfg.style is None else [cfg.style] if isinstance(cfg.style, str) else list(cfg.style)
    styles = choose_styles(encoder, generator.z_dim, training_size, style=style, samples=cfg.samples,
                           interpolate=cfg.interpolate, seed=cfg.seed)
    device = ("cuda" if torch.cuda.is_available() else "cpu") if cfg.device == "auto" else cfg.device
    grid = synthesize(generator, reader, masks, styles, output, instances=cfg.instances, device=device,
                      compile=cfg.compile, dtype=getattr(torch, cfg.precision))
    print(f"pictures: {output}\ngrid: {grid}")


main = command(Path(__file__).parent / "conf" / "synthesize.yaml")(draw)

if __name__ == "__main__":
    main()
