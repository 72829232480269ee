from functools import partial

import pytest
import torch

from semsynth.complexity.layers import walk
from semsynth.complexity.maps import empty_semantics
from semsynth.generators.spade import SPADEGenerator
from semsynth.norms.clade import CLADE, CLADE_ICPE
from semsynth.norms.spade import SPADE

SETTINGS = {"ade20k": (151, False, (256, 256)), "coco_stuff": (183, True, (256, 256)),
            "cityscapes": (35, True, (256, 512))}
NORMS = {"spade": SPADE, "clade": CLADE, "clade_icpe": CLADE_ICPE, "spade_light": SPADE}


@pytest.fixture(scope="session")
def published_layers():
    """(data set, method) -> layers of the published network. Initial values and spectral norm only cost time here."""
    known = {}

    def layers(dataset, method):
        if (dataset, method) not in known:
            classes, edges, size = SETTINGS[dataset]
            ngf = {"cityscapes": 32}.get(dataset, 8) if method == "spade_light" else 64
            with pytest.MonkeyPatch.context() as patch, torch.device("meta"):
                patch.setattr("semsynth.generators.spade.initialise", lambda *_: None)
                patch.setattr("semsynth.generators.blocks.spectral_norm", lambda layer: layer)
                generator = SPADEGenerator(partial(NORMS[method], edges=edges), classes, size=size, ngf=ngf,
                                           edges=edges)
            known[dataset, method] = walk(generator, empty_semantics(size, classes))
        return known[dataset, method]

    return layers


@pytest.fixture
def small():
    """Small generator (SPADE or another norm) on the CPU, over 5 classes and edges, for 64x64."""
    def build(norm=SPADE, ngf=4, **kwargs):
        return SPADEGenerator(partial(norm, edges=True, **kwargs), 5, size=(64, 64), ngf=ngf, edges=True)
    return build
