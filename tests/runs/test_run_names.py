import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from semsynth.runs.naming import run_name


@pytest.mark.parametrize(
    ("overrides", "name"),
    [("data.x-1+generator.ngf-4+norm-spade+seed-0", "norm-spade+seed-0+data.x-1+generator.ngf-4"),
     ("norm-clade_icpe+seed-1", "norm-clade_icpe+seed-1"), ("size-[32,32]+norm-clade", "size-32_32+norm-clade"),
     ("optim.generator.lr-1e-4", "optim.generator.lr-1e-4"),
     ("in_loop@system.segmenter-x", "in_loop_system.segmenter-x"),
     ("dataset.label_names-{a: b}", "dataset.label_names-a_b"), ("x-~/a b(1)", "x-a_b_1"), ("lr--0.5", "lr--0.5")])
def test_names_that_a_shell_and_hydra_take(overrides, name):
    assert run_name(overrides) == name
    assert OverridesParser.create().parse_override(f"run={name}").value() == name


def test_keys_of_one_last_word_are_two():
    """A study would take the training of the one for that of the other."""
    assert run_name("optim.generator.lr-1e-3") != run_name("optim.discriminator.lr-1e-3")


def test_long_names_are_cut_and_stay_apart():
    long = "+".join(f"generator.key{i}-{i}" for i in range(30))
    first, second = run_name(f"{long}+seed-1"), run_name(f"{long}+seed-2")
    assert first.startswith("seed-1+generator.key0-0+generator.key1-1+")
    assert first != second
    assert max(len(first), len(second)) <= 120
    assert run_name("name-数据") != run_name("name-照片")
