import json

import pytest
import yaml


def config(norm="CLADE", *, seed=0, dataset="scenes", size=(32, 32), epochs=5, ngf=16, **changes):
    """The parts of a resolved configuration that a report reads."""
    def node(kind):
        return {"_target_": f"semsynth.norms.{kind.split('_')[0].lower()}.{kind}", "_partial_": True}

    if isinstance(norm, int):  # the transition of a mixture
        norm_node = {"_target_": "semsynth.norms.schedule.Mixed", "low": node("SPADE"), "high": node("CLADE"),
                     "transition": norm}
    else:
        norm_node = node(norm)
    made = {"size": list(size), "batch": {"total": 8, "accumulation": 1}, "epochs": epochs,
            "seed": seed, "run_dir": f"somewhere/{seed}",
            "dataset": {"name": dataset, "train": {"seed": seed}, "classes": ["sky", "road"],
                        "colours": [[0, 0, 255], [90, 90, 90]]},
            "recipe": {"ngf": 16, "light_ngf": 8},
            "norm": norm_node, "generator": {"ngf": ngf, "norm": norm_node, "fc_offsets": False},
            "trainer": {"precision": "32-true", "devices": 1, "limit_train_batches": 1.0}}
    for key, value in changes.items():
        *parents, last = key.split("__")
        place = made
        for parent in parents:
            place = place[parent]
        place[last] = value
    return made


def complexity(runtime=0.02, parameters=5_000_000):
    return {"format": 1, "parameters": {"total": parameters, "norm": 1}, "macs_bias": {"total": 2_000_000_000},
            "runtime": {"median_s": runtime, "device": "cpu", "threads": 1, "batch": 1},
            "memory": {"training": [{"batch": 2, "peak_bytes": 9, "weights_bytes": 1e8},
                                    {"batch": 1, "peak_bytes": 4e8, "weights_bytes": 1e8}]}}


@pytest.fixture
def make_run(tmp_path):
    """Write a run directory as training, evaluation and the measurement of costs leave it."""
    def make(name, settings=None, scores=None, costs=None, protocol=None):
        folder = tmp_path / "runs" / name
        folder.mkdir(parents=True)
        if settings is not None:
            (folder / "config.yaml").write_text(yaml.safe_dump(settings))
            (folder / "metrics.csv").write_text("step,epoch\n9,0\n19,1\n")
        if scores is not None:
            table = {"format": 1, "dataset": "scenes", "scores": scores, "skipped": {},
                     "protocol": protocol or {"name": "scenes", "weights": "ema"}}
            (folder / "scores.json").write_text(json.dumps(table))
        if costs is not None:
            (folder / "complexity.json").write_text(json.dumps(costs))
        return folder

    make.config, make.complexity = config, complexity
    return make
