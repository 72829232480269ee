import logging
import os
import sys
from pathlib import Path

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
os.environ.setdefault("WANDB_MODE", "offline")
os.environ["SEMSYNTH_WEIGHTS"] = os.environ["TORCH_HOME"] = os.devnull  # nobody's own weights are found here
os.environ.setdefault("OMP_NUM_THREADS", "1")  # the same sums in every run, and the tests beside each other
# Where bytecode may not be written, each of the many processes that these tests start would compile torch and Lightning
# anew, which takes longer than running them. Set before the workers start, which inherit it.
if os.environ.pop("PYTHONDONTWRITEBYTECODE", None):
    os.environ.setdefault("PYTHONPYCACHEPREFIX", str(Path(__file__).parents[1] / ".pytest_cache" / "bytecode"))

import pytest
import torch

NORMS = {"clade": "clade.CLADE", "clade_icpe": "clade.CLADE_ICPE", "clade_distf": "clade.CLADE_DISTF",
         "spade": "spade.SPADE"}


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


@pytest.fixture(autouse=True)
def _loggers():
    """Commands within this process let Hydra switch off the loggers that are there; the next test has its own again."""
    logging.disable(logging.NOTSET)
    logging.root.setLevel(logging.WARNING)
    for name in list(logging.root.manager.loggerDict):
        if name.split(".")[0] == "semsynth":
            logger = logging.getLogger(name)
            logger.disabled, logger.propagate = False, True
            logger.setLevel(logging.NOTSET)


@pytest.fixture(autouse=True)
def _no_downloads(monkeypatch):
    from semsynth.pretrained import download

    monkeypatch.setattr(download, "unreachable", lambda server: "no network in tests")


@pytest.fixture(autouse=True)
def _wandb():
    """A run that a test leaves open would take what the next ones log."""
    yield
    wandb = sys.modules.get("wandb")
    left = getattr(wandb, "run", None)
    if left is not None:
        wandb.finish()
    assert left is None, f"the W&B run of {left.dir} was left open"


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory):
    """Makes a run directory of narrow untrained networks, whose batch norms have seen a few batches.

    tiny_run(norm="clade", z_dim=0, edges=False, size=(32, 32), ...) -> its path.
    """
    import hydra.utils
    import yaml

    from semsynth.semantics import Semantics
    from semsynth.weights.run_file import save_weights

    def norm_node(name, edges, base):
        node = {"_target_": f"semsynth.norms.{NORMS[name]}", "_partial_": True, "edges": edges}
        return node | ({"hidden": 8} if name == "spade" else {}) | ({} if base is None else {"base": base})

    def make(norm="clade", z_dim=0, edges=False, size=(32, 32), unknown=None, encoder=True, base=None, **generator):
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
                        "num_classes": 5, "unknown": unknown, "instances": edges, "edges": edges},
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
                parts["generator"].train()(semantics.prepare(parts["generator"].feature_sizes(*size)))
        run = tmp_path_factory.mktemp("runs") / "tiny"
        save_weights(run / "checkpoints" / "last.safetensors",
                     {n: p.state_dict() for n, p in parts.items() if p is not None and (encoder or n != "encoder")})
        (run / "config.yaml").write_text(yaml.safe_dump(cfg))
        return run

    return make
