import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from semsynth.runs.naming import run_name


@pytest.mark.parametrize(
    ("overrides", "name"),
    [("data.x-1+generator.ngf-4+norm-spade+seed-0", "norm-spade+seed-0+x-1+ngf-4"),
     ("norm-clade_icpe+seed-1", "norm-clade_icpe+seed-1"), ("size-[32,32]+norm-clade", "size-32_32+norm-clade"),
     ("optim.generator.lr-1e-4", "lr-1e-4"), ("segmenter@scores.assess.judge-trained", "judge-trained"),
     ("dataset.label_names-{a: b}", "label_names-a_b"), ("x-~/a b(1)", "x-a_b_1"), ("lr--0.5", "lr--0.5")])
def test_names_that_a_shell_and_hydra_take(overrides, name):
    assert run_name(overrides) == name
    assert OverridesParser.create().parse_override(f"run={name}").value() == name


def test_long_names_are_cut_and_stay_apart():
    long = "+".join(f"generator.key{i}-{i}" for i in range(30))
    first, second = run_name(f"{long}+seed-1"), run_name(f"{long}+seed-2")
    assert first.startswith("seed-1+key0-0+key1-1+")
    assert first != second
    assert max(len(first), len(second)) <= 80
    assert run_name("name-数据") != run_name("name-照片")
