"""Checkpoints in the released layout hold our weights bit for bit under the released names."""


import pytest
import torch
from importing import import_run
from omegaconf import OmegaConf

from semsynth import runs
from semsynth.checkpoints.layouts import LAYOUTS
from semsynth.errors import ConfigError
from semsynth.exporting.export import export
from semsynth.exporting.source import Source


def source(run):
    kept = runs.Run(run)
    return Source(run, OmegaConf.to_container(kept.config), kept.saved, kept.weights, kept.generator, kept.encoder)


NETWORKS = {
    "spade": {"norm": "spade"},
    "spade_vae_edges": {"norm": "spade", "z_dim": 3, "edges": True},
    "clade_unknown": {"norm": "clade", "unknown": 4},
    "clade_icpe_edges": {"norm": "clade_icpe", "edges": True},
    "clade_most": {"norm": "clade", "upsamplings": 7, "size": (128, 128)},
}


@pytest.mark.parametrize("name", NETWORKS)
def test_every_tensor_is_there_bit_for_bit(name, tiny_run, tmp_path):
    run = tiny_run(**NETWORKS[name])
    export(source(run), "official", tmp_path / "out")
    parts = {"generator": "G", "discriminator": "D"} | ({"encoder": "E"} if "vae" in name else {})
    assert {p.name for p in (tmp_path / "out").iterdir()} == {f"latest_net_{x}.pth" for x in parts.values()}
    for part, letter in parts.items():
        theirs = torch.load(tmp_path / "out" / f"latest_net_{letter}.pth", weights_only=True)
        ours = runs.Run(run).saved.part(part)
        (layout,) = [x for x in LAYOUTS if x.part == part and x.recognise(theirs)]
        table = layout.table(ours)
        assert set(table.values()) == set(theirs)
        assert all(torch.equal(theirs[table[key]], value) for key, value in ours.items())
        assert not [key for key in theirs if "parametrizations" in key or key.startswith("blocks.")]


@pytest.mark.parametrize("name", ["spade", "spade_vae_edges", "clade_unknown", "clade_icpe_edges"])
def test_importing_again_gives_the_same_weights(name, tiny_run, tmp_path):
    network = NETWORKS[name]
    classes = "\n".join(["classes:", *(f"  - {n}" for n in ("sky", "cloud", "sun", "grass", "car"))])
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "classes.yaml").write_text(classes + "\n")
    run, edges = tiny_run(**network), network.get("edges", False)
    export(source(run), "official", tmp_path / "out")
    import_run(tmp_path / "out", tmp_path / "again", "dataset=folder", f"dataset.root={tmp_path / 'data'}",
               "size=[32,32]", f"edges={edges}".lower(), f"dataset.instances={edges}".lower())
    for part in ("generator", "discriminator", *(["encoder"] if "z_dim" in network else [])):
        before, after = (runs.Run(r).saved.part(part) for r in (run, tmp_path / "again"))
        assert before.keys() == after.keys()
        assert all(torch.equal(before[key], after[key]) for key in before)


def test_the_released_names():
    """Of the specification, written out for one layer each."""
    by_part = {(x.part, x.name): x for x in LAYOUTS}
    spade, clade = by_part["generator", "SPADE"], by_part["generator", "CLADE"]
    assert spade.official("blocks.up_1.conv_s.parametrizations.weight.original") == "up_1.conv_s.weight_orig"
    assert spade.official("blocks.head_0.norm_1.shared.bias") == "head_0.norm_1.mlp_shared.0.bias"
    assert clade.official("blocks.up_3.norm_s.gamma") == "up_3.norm_s.class_specified_affine.weight"
    assert clade.official("blocks.up_3.norm_s.position_beta.weight") == \
        "up_3.norm_s.class_specified_affine.dist_conv_b.weight"


def test_all_names_of_a_released_clade_icpe_generator(tiny_run, tmp_path):
    """The names of the files that CLADE's authors offer, listed by hand: the positional convolutions are the bank's."""
    released = {"fc.weight", "fc.bias", "conv_img.weight", "conv_img.bias"}
    shortcuts = {"up_0", "up_1", "up_2", "up_3"}  # the blocks that change the number of channels
    for block in {"head_0", "G_middle_0", "G_middle_1"} | shortcuts:
        for conv in ("conv_0", "conv_1", *(["conv_s"] if block in shortcuts else [])):
            leaves = ("weight_orig", "weight_u", "weight_v", *([] if conv == "conv_s" else ["bias"]))
            released |= {f"{block}.{conv}.{leaf}" for leaf in leaves}
        for norm in ("norm_0", "norm_1", *(["norm_s"] if block in shortcuts else [])):
            released |= {f"{block}.{norm}.{rest}" for rest in (
                "param_free_norm.running_mean", "param_free_norm.running_var", "param_free_norm.num_batches_tracked",
                "class_specified_affine.weight", "class_specified_affine.bias",
                "class_specified_affine.dist_conv_w.weight", "class_specified_affine.dist_conv_w.bias",
                "class_specified_affine.dist_conv_b.weight", "class_specified_affine.dist_conv_b.bias")}
    export(source(tiny_run(norm="clade_icpe")), "official", tmp_path / "out")
    exported = torch.load(tmp_path / "out" / "latest_net_G.pth", weights_only=True)
    assert set(exported) == released
    shapes = {name: tuple(exported[f"up_3.norm_s.class_specified_affine.{name}"].shape)
              for name in ("dist_conv_w.weight", "dist_conv_w.bias", "dist_conv_b.weight", "dist_conv_b.bias")}
    assert shapes == {"dist_conv_w.weight": (1, 2, 1, 1), "dist_conv_w.bias": (1,),
                      "dist_conv_b.weight": (1, 2, 1, 1), "dist_conv_b.bias": (1,)}
    import_run(tmp_path / "out", tmp_path / "again", "size=[32,32]")
    assert runs.Run(tmp_path / "again").config.norm["_target_"].endswith(".CLADE_ICPE")


def test_options_of_the_released_code_are_told(tiny_run, tmp_path):
    run = tiny_run(norm="clade_icpe", z_dim=3, edges=True, unknown=4, size=(32, 64))
    lines = export(source(run), "official", tmp_path / "out")
    (options,) = [line for line in lines if line.startswith("options there")]
    for word in ("--label_nc 4 --contain_dontcare_label", "--crop_size 64 --aspect_ratio 2", "normal --ngf 2",
                 "--norm_mode clade --add_dist", "--use_vae --z_dim 3"):
        assert word in options
    assert "--no_instance" not in options
    assert [line for line in lines if "released encoder has 6 layers, this one 3" in line]


@pytest.mark.parametrize(("network", "message"), [
    ({"norm": "mixed"}, r"no released layout holds this generator \(known are SPADE, CLADE.*no place for generator"),
    ({"norm": "clade_distf"}, r"layout CLADE has no place for generator\.blocks\.\w+\.norm_\w\.position"),
    ({"fc_offsets": True}, r"fc\.weight reads 7 channels, but the banks have 5 classes"),
    ({"upsamplings": 4}, "upsample 5, 6 or 7 times, this one 4"),
    ({"base": {"_target_": "semsynth.norms.base.layer_norm", "_partial_": True}}, "by batch or instance"),
])
def test_what_the_released_code_lacks_is_refused(network, message, tiny_run, tmp_path):
    with pytest.raises(ConfigError, match=message):
        export(source(tiny_run(**network)), "official", tmp_path / "out")
    assert not list(tmp_path.iterdir())
