import time
from types import SimpleNamespace

import pytest
import torch

from semsynth.complexity import timing as module
from semsynth.complexity.maps import batch_of_maps, semantics_of
from semsynth.complexity.timing import NormTime, autocast, spread, time_generator
from semsynth.norms.clade import CLADE
from semsynth.norms.spade import SPADE


def maps(count, n=1):
    batches = [batch_of_maps("regions", n, (64, 64), 5, instances=True, offsets=None, seed=i) for i in range(count)]
    return [lambda batch=batch: semantics_of(batch, 5) for batch in batches]


CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _busy(monkeypatch):
    """Other work on this machine takes no time of the clock."""
    clock = time.process_time
    monkeypatch.setattr(module, "time", SimpleNamespace(perf_counter=clock, process_time=clock))


@pytest.mark.parametrize("norm", [SPADE, CLADE])
def test_norms_and_the_rest_make_up_the_whole(norm, small):
    seen = []
    timing = time_generator(small(norm), maps(4), device=CPU, progress=lambda items, title: seen.append(title) or items)
    assert timing.repeats == 3
    assert seen == ["time"]
    assert 0 < timing.labels < timing.norm
    assert timing.backbone > 0
    assert 0.2 < (timing.norm + timing.backbone) / timing.median < 5


def test_time_is_that_of_one_image(small):
    generator = small()
    one = time_generator(generator, maps(4), device=CPU, split=False)
    many = time_generator(generator, maps(4, 8), device=CPU, split=False)
    assert many.median < 4 * one.median
    assert one.norm is None is one.backbone


def test_all_norms_are_watched_and_left_alone(small):
    generator, given = small(CLADE).eval(), maps(1)[0]()
    generator.prepare(given)
    time = NormTime(generator, lambda: 0.0)
    with time.watching(), torch.no_grad():
        generator(given)
    assert time.calls == len(time.norms) == 18
    generator(given)
    assert time.calls == 18


def test_mixed_precision_runs(small):
    assert time_generator(small(CLADE), maps(2), device=CPU, precision="bf16-mixed").median > 0


def test_faults(small):
    with pytest.raises(ValueError, match="leave nothing to measure"):
        time_generator(small(), maps(1), device=CPU)
    with pytest.raises(ValueError, match=r"trainer\.precision=64-true is not measured"):
        autocast(CPU, "64-true")


def test_the_spread_is_the_distance_of_the_quartiles():
    assert spread([1.0]) == 0
    assert spread([1.0, 2.0, 3.0, 4.0, 5.0]) == 2
