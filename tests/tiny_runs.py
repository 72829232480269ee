"""Run directories that are made in a moment."""

import hydra.utils
import torch
import yaml

from semsynth.semantics import Semantics
from semsynth.weights.run_file import save_weights

NORMS = {"clade": "clade.CLADE", "clade_icpe": "clade.CLADE_ICPE", "clade_distf": "clade.CLADE_DISTF",
         "spade": "spade.SPADE", "inade": "inade.INADE"}
INADE = {"generator": {"_target_": "semsynth.generators.inade.INADEGenerator", "start": 6, "noise": 4},
         "encoder": {"_target_": "semsynth.encoders.instance.InstanceEncoder", "noise": 4, "nef": 2, "init_gain": 1.0}}


def norm_node(name, edges, base):
    node = {"_target_": f"semsynth.norms.{NORMS[name]}", "_partial_": True}
    if name == "inade":
        return node | {"noise": 4}
    node["edges"] = edges
    return node | ({"hidden": 8} if name == "spade" else {}) | ({} if base is None else {"base": base})


def make_run(run, norm="clade", z_dim=0, edges=False, size=(32, 32), unknown=None, encoder=True, base=None,
             **generator):
    """A run directory of narrow untrained networks, whose batch norms have seen a few batches; returns its path."""
    classes = ["sky", "cloud", "sun", "grass", "car"]
    if norm == "mixed":
        node = {"_target_": "semsynth.norms.schedule.Mixed", "low": norm_node("spade", edges, base),
                "high": norm_node("clade", edges, base), "transition": 4}
    else:
        node = norm_node(norm, edges, base)
    offsets = norm in ("clade_icpe", "clade_distf") or generator.get("fc_offsets", False)
    cfg = {
        "size": list(size), "seed": 0, "run_dir": "somewhere",
        "dataset": {"name": "tiny", "classes": classes, "colours": [[40 * i, 0, 255] for i in range(5)],
                    "num_classes": 5, "unknown": unknown, "instances": edges or norm == "inade", "edges": edges},
        "recipe": {"name": "tiny"}, "norm": node,
        "icpe": {"_target_": "semsynth.semantics.icpe.Offsets", "enabled": offsets, "components": "every",
                 "skip_label": None, "published": False},
        "generator": {"_target_": "semsynth.generators.spade.SPADEGenerator", "norm": node, "num_classes": 5,
                      "size": list(size), "ngf": 2, "z_dim": z_dim, "edges": edges, "init_gain": 1.0} | generator,
        "discriminator": {"_target_": "semsynth.discriminators.patchgan.MultiscaleDiscriminator",
                          "num_classes": 5, "edges": edges, "ndf": 4, "init_gain": 1.0},
        "encoder": {"_target_": "semsynth.encoders.none.no_encoder"} if not z_dim else
                   {"_target_": "semsynth.encoders.style.StyleEncoder", "size": list(size), "z_dim": z_dim,
                    "nef": 2, "init_gain": 1.0},
    }
    if norm == "inade":  # reads instances
        kept = ("norm", "num_classes", "size", "ngf", "init_gain")
        cfg["generator"] = INADE["generator"] | {key: cfg["generator"][key] for key in kept}
        cfg["encoder"] = INADE["encoder"]
    torch.manual_seed(0)
    parts = {name: hydra.utils.instantiate(cfg[name], _convert_="all")
             for name in ("generator", "discriminator", "encoder")}
    labels = torch.randint(5, (2, *size))
    semantics = Semantics(labels, 5, torch.rand(2, 1, *size).round(), torch.rand(2, 2, *size) * 2 - 1)
    for name, value in parts["generator"].named_parameters():
        if "position_" in name or name.endswith(".beta"):  # zero at the start: they shall matter
            torch.nn.init.normal_(value)
        if name == "conv_img.weight":
            value.data.mul_(5)  # not all grey
    with torch.no_grad():
        for _ in range(3):
            parts["generator"].train()(parts["generator"].prepare(semantics))
    save_weights(run / "checkpoints" / "last.safetensors",
                 {n: p.state_dict() for n, p in parts.items() if p is not None and (encoder or n != "encoder")})
    (run / "config.yaml").write_text(yaml.safe_dump(cfg))
    return run
