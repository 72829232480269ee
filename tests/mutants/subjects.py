"""Which modules are mutated, and which tests look at each of them."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "semsynth"

_FAST = ("norms/test_bases.py", "norms/test_norms.py", "norms/test_base.py",
         "generators/test_inference.py", "norms/test_fast_spade.py")
_LOOP = ("training/test_paired.py", "training/test_shared_statistics.py", "training/test_split_batches.py",
         "training/test_unpaired.py")
_LOSSES = "config/test_spelled_defaults.py::test_a_default_is_what_a_yaml_spells[losses]"
_PATCHES = ("semantics/test_distinct.py", "semantics/test_patches.py", "semantics/test_one_sort.py",
            "norms/test_fast_spade.py")

# The tests of a module, those first that are quick and near: the first that fails ends it. None starts processes, since
# these would read the module as it is.
SUBJECTS: dict[str, tuple[str, ...]] = {
    "semantics/batch.py": ("semantics/test_batch.py",),
    "semantics/components.py": ("semantics/test_icpe.py",),
    "semantics/distinct.py": _PATCHES,
    "semantics/edges.py": ("semantics/test_edges.py", "semantics/test_batch.py"),
    "semantics/icpe.py": ("semantics/test_icpe.py",),
    "semantics/lookup.py": ("semantics/test_lookup.py", "modulation/test_sums.py", "norms/test_base.py"),
    "semantics/one_sort.py": _PATCHES,
    "semantics/packed.py": ("semantics/test_packed.py", "semantics/test_batch.py"),
    "semantics/patches.py": (*_PATCHES, "semantics/test_semantics.py"),
    "semantics/semantics.py": ("semantics/test_semantics.py", "semantics/test_batch.py", "norms/test_norms.py",
                               "semantics/test_packed.py"),
    "norms/base.py": (*_FAST, "modulation/test_autograd.py"),
    "norms/clade.py": _FAST,
    "norms/conditional.py": ("norms/test_bases.py", "norms/test_norms.py", "norms/test_base.py"),
    "norms/folding.py": ("norms/test_base.py", "generators/test_inference.py", "generators/test_saved.py"),
    "norms/label_network.py": ("norms/test_norms.py", "norms/test_fast_spade.py", "norms/test_base.py",
                               "generators/test_inference.py"),
    "norms/schedule.py": ("norms/test_norms.py", "generators/test_spade.py"),
    "norms/spade.py": (*_FAST, "modulation/test_meta.py::test_a_gpu_looks_up_patches_on_large_maps_only"),
    "modulation/statistics.py": ("modulation/test_statistics.py", "norms/test_base.py", "modulation/test_shared.py",
                                 "modulation/test_autograd.py"),
    "modulation/table.py": ("modulation/test_table.py", "norms/test_base.py", "modulation/test_autograd.py",
                            "generators/test_inference.py"),
    "layers/init.py": ("layers/test_init.py", "layers/test_convolution.py"),
    "losses/adversarial.py": ("losses/test_losses.py", "losses/test_segmentation.py", _LOSSES),
    "losses/cycle.py": ("losses/test_segmentation.py", _LOSSES),
    "losses/efficientnet_perceptual.py": ("losses/test_efficientnet_perceptual.py", _LOSSES),
    "losses/feature_matching.py": ("losses/test_losses.py", _LOSSES),
    "losses/frozen_features.py": ("losses/test_losses.py", "losses/test_efficientnet_perceptual.py"),
    "losses/kl.py": ("losses/test_losses.py", _LOSSES),
    "losses/perceptual.py": ("losses/test_losses.py", _LOSSES),
    "losses/segmentation.py": ("losses/test_segmentation.py", _LOSSES),
    "data/decoding.py": ("data/test_pictures.py", "data/test_masks.py", "data/test_bad_input.py"),
    "data/joint.py": ("data/test_paired.py",),
    "data/label_maps.py": ("data/test_label_maps.py", "data/test_pairing.py"),
    "data/mask_formats.py": ("data/test_masks.py", "data/test_bad_input.py"),
    "data/mask_reading.py": ("data/test_mask_reading.py", "data/test_bad_input.py"),
    "data/mask_size.py": ("data/test_bad_input.py", "data/test_pictures.py"),
    "data/masks.py": ("data/test_masks.py", "data/test_pictures.py", "data/test_bad_input.py"),
    "data/paired.py": ("data/test_paired.py", "data/test_label_maps.py", "data/test_bad_input.py",
                       "config/test_spelled_defaults.py::test_a_default_is_what_a_yaml_spells[data]"),
    "data/resize.py": ("data/test_resize.py", "data/test_paired.py"),
    "data/unpaired.py": ("data/test_unpaired.py",),
    "training/adversarial.py": ("training/test_rates.py", *_LOOP, "training/test_meta.py"),
    "training/ema.py": ("training/test_ema.py",),
    "training/orders.py": (*_LOOP, "training/test_float16.py"),
    "training/rates.py": ("training/test_rates.py",),
    "metrics/confusion.py": ("metrics/test_confusion.py",),
    "metrics/diversity.py": ("metrics/test_diversity.py",),
    "metrics/frechet.py": ("metrics/test_frechet.py", "metrics/test_given_statistics.py"),
    "metrics/kid.py": ("metrics/test_kid.py",),
    "metrics/neighbours.py": ("metrics/test_neighbours.py",),
    "metrics/pixel_features.py": ("metrics/test_pixel_features.py",),
    "metrics/pixels.py": ("metrics/test_pixels.py", "metrics/test_statistics.py", "metrics/test_pixel_features.py",
                          "evaluation/test_maps.py"),
    "metrics/protocol.py": ("metrics/test_protocol.py",),
    "metrics/statistics.py": ("metrics/test_statistics.py", "metrics/test_given_statistics.py"),
    "metrics/structure.py": ("metrics/test_structure.py",),
    "metrics/style_recovery.py": ("metrics/test_style_recovery.py",),
}


def arguments_for(module: str) -> list[str]:
    """The arguments of pytest for a module, given by its path below the package."""
    tests = [str(ROOT / "tests" / name) for name in SUBJECTS[module]]
    shown = ">>>" in (SOURCE / module).read_text()  # the examples in its docstrings
    return tests + ([f"{ROOT / 'tests' / 'test_examples.py'}::test_examples_tell_the_truth[{module}]"] if shown else [])
