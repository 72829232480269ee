"""Turn label maps into pictures with a trained run: python synthesize.py run=DIR input=LABELS output=DIR."""

import sys

import hydra
import torch
from omegaconf import DictConfig, MissingMandatoryValue

from semsynth import runs
from semsynth.data.errors import DataError
from semsynth.synthesis.maps import MapReader, chosen_size, find_masks, mask_decoder
from semsynth.synthesis.pictures import synthesize
from semsynth.synthesis.styles import StyleError, choose_styles

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def draw(cfg: DictConfig) -> None:
    """Load the run, choose the styles, draw."""
    if cfg.precision not in PRECISIONS:
        raise runs.ConfigError(f"precision={cfg.precision}: take one of {', '.join(PRECISIONS)}")
    if not isinstance(cfg.compile, bool):
        raise runs.ConfigError(f"compile={cfg.compile}: take true or false")
    run, masks, output = cfg.run, find_masks(cfg.input, cfg.output), cfg.output
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
                      compile=cfg.compile, dtype=PRECISIONS[cfg.precision])
    print(f"pictures: {output}\ngrid: {grid}")


@hydra.main(version_base="1.3", config_path="conf", config_name="synthesize")
def main(cfg: DictConfig) -> None:
    """Draw, or say in one line why not."""
    try:
        draw(cfg)
    except MissingMandatoryValue as error:
        sys.exit(f"{error.full_key}= is missing: python synthesize.py run=DIR input=LABELS output=DIR")
    except (runs.ConfigError, DataError, StyleError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
