"""Which network stands for a formulation."""

from functools import partial
from types import SimpleNamespace

import pytest
import torch

from semsynth.complexity.formulation import ONE_FORM, as_published, build_generator, build_system
from semsynth.complexity.measure import Parts, measure
from semsynth.complexity.released.cc_fpse import PublishedCCFPSE
from semsynth.complexity.released.pix2pixhd import PublishedPix2PixHD
from semsynth.complexity.released.spade import PublishedSPADE
from semsynth.complexity.setting import Options
from semsynth.complexity.tables import markdown
from semsynth.discriminators.none import no_discriminator
from semsynth.encoders.none import no_encoder
from semsynth.generators.cc_fpse import CCFPSEGenerator
from semsynth.generators.crn import CRNGenerator
from semsynth.generators.dagan import DAGANGenerator
from semsynth.generators.oasis import OASISGenerator
from semsynth.generators.pix2pixhd import Pix2PixHDGenerator
from semsynth.generators.pix2pixhd_local import Pix2PixHDLocalGenerator
from semsynth.generators.spade import SPADEGenerator
from semsynth.norms.clade import CLADE

SIZE = {"num_classes": 5, "size": (64, 64), "ngf": 2}


@pytest.mark.parametrize(("generator", "expected"), [
    (SPADEGenerator(CLADE, **SIZE), PublishedSPADE), (DAGANGenerator(CLADE, **SIZE), PublishedSPADE),
    (OASISGenerator(CLADE, **SIZE), PublishedSPADE), (CCFPSEGenerator(**SIZE), PublishedCCFPSE),
    (Pix2PixHDGenerator(**SIZE), PublishedPix2PixHD), (Pix2PixHDLocalGenerator(**SIZE), PublishedPix2PixHD),
    (CRNGenerator(**SIZE), CRNGenerator)], ids=lambda x: type(x).__name__ if isinstance(x, torch.nn.Module) else "")
def test_each_system_has_a_published_form_with_its_own_weights(generator, expected):
    published = build_generator(lambda: generator, "published")
    assert type(published) is expected
    assert build_generator(lambda: generator, "fast") is generator
    assert {id(p) for p in published.parameters()} <= {id(p) for p in generator.parameters()}
    assert published.readings(64, 64) == [] or expected in (PublishedPix2PixHD, CRNGenerator)
    assert type(build_system(lambda: SimpleNamespace(generator=generator), "published").generator) is expected


class Other(SPADEGenerator):
    """One with a beginning of its own, which must not be measured as SPADE's."""


@pytest.mark.parametrize("generator", [as_published(SPADEGenerator(CLADE, **SIZE)), Other(CLADE, **SIZE)],
                         ids=lambda generator: type(generator).__name__)
def test_a_generator_that_is_not_published(generator):
    with pytest.raises(ValueError, match=f"not {type(generator).__name__}: take formulation=fast"):
        as_published(generator)


@pytest.mark.parametrize("asked", ["published", "fast"])
def test_a_network_of_one_form_says_so(asked):
    options = Options(formulation=asked, device="cpu", repeats=1, memory=False)
    parts = Parts(partial(CRNGenerator, **SIZE), no_discriminator, no_encoder, None, (64, 64), 5, False, None)
    record = measure(parts, options, {"dataset": "scenes", "norm": "crn", "method": None, "ngf": 2})
    assert record["formulation"] == ONE_FORM
    assert record["runtime"]["norm_s"] is None is record["runtime"]["backbone_s"]  # it has no norm that reads labels
    assert record["skipped"]["runtime/norm_s"] == "the network has no norm that reads label maps"
    assert "| scenes | crn, ngf 2 | published and fast |" in markdown([record])
