import json
import sys

import pytest

from semsynth.errors import LoggerError, ReportError
from semsynth.reporting import wandb_send
from semsynth.reporting.collect import find_runs, read_runs
from semsynth.reporting.groups import group_runs
from semsynth.reporting.report import write_report
from semsynth.reporting.wandb_report import specify


@pytest.fixture
def written(make_run, tmp_path, monkeypatch):
    """What would be sent, read from the file that is written without an account, and its folder."""
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "none"))
    for seed in (0, 1):
        made = make_run(f"clade{seed}", make_run.config(seed=seed),
                        {"miou": 0.5, "fid/train": 60.0, "frechet/scenes": 2.0}, make_run.complexity())
        (made / "metrics.csv").write_text("step,epoch,loss,score/fid/train\n9,0,1.5,\n9,0,,90.0\n19,1,,80.5\n")
        known = {"id": f"trained{seed}", "mode": ("online", "offline")[seed], "project": "mine", "entity": None}
        (made / "wandb.json").write_text(json.dumps(known))
    for k in (2, 4):
        make_run(f"mixed{k}", make_run.config(k), {"miou": 0.5, "fid/train": 60.0})
    make_run("unscored", make_run.config("SPADE"))
    folder = tmp_path / "out"
    groups = group_runs(read_runs(find_runs(str(tmp_path / "runs"))))
    report = write_report(groups, folder, None)
    specification = specify(groups, report, "semsynth", None, "Norms")
    said = wandb_send.send_or_write(specification, folder)
    assert said.startswith("No W&B account (wandb login, or WANDB_API_KEY): ")
    assert said.endswith("wandb_report.json holds what would be sent")
    return json.loads((folder / "wandb_report.json").read_text()), folder


def test_what_would_be_sent(written):
    sent, folder = written
    assert (sent["project"], sent["report"]["title"]) == ("semsynth", "Norms")
    names = [run["name"] for run in sent["runs"]]
    assert names == ["mixed transition 2, seed 0", "mixed transition 4, seed 0", "clade, seed 0", "clade, seed 1",
                     "pictures"]
    assert len({run["id"] for run in sent["runs"]}) == 5
    clade = sent["runs"][2]
    assert clade["summary"] == {"miou": 50.0, "fid/train": 60.0, "frechet/scenes": 2.0, "cost/parameters": 5.0,
                                "cost/flops": 2.0, "cost/runtime": 0.02, "cost/memory": 0.5}
    assert clade["config"]["setting"] == "clade"
    assert clade["history"] == [{"epoch": 0, "score/fid/train": 90}, {"epoch": 1, "score/fid/train": 80.5}]
    blocks = sent["report"]["blocks"]
    assert "| clade | scenes | 32x32 | 5 | 2 | 60.00 |" in blocks[0]["text"]
    panels = [panel for block in blocks if block["kind"] == "panels" for panel in block["panels"]]
    assert [panel["metric"] for panel in panels if panel["kind"] == "bar"] == ["fid/train", "frechet/scenes", "miou"]
    assert [panel["metric"] for panel in panels if panel["kind"] == "curve"] == ["score/fid/train"]
    (links,) = [block["runs"] for block in blocks if block["kind"] == "links"]
    assert [link["training"] for link in links] == [
        None, None, {"id": "trained0", "project": "mine", "entity": None}, None]
    assert [(panel["x"], panel["y"]) for panel in panels if panel["kind"] == "scatter"] == [
        ("cost/runtime", "fid/train"), ("config.transition", "miou")]
    (media,) = [panel for panel in panels if panel["kind"] == "media"]
    images = sent["runs"][-1]["images"]
    assert media["keys"] == list(images) == ["report/runtime_scenes_32x32", "report/transitions_scenes_32x32"]
    assert all(image["file"].startswith(str(folder)) for image in images.values())


class Logged:
    """A run of W&B that keeps what it is given."""

    def __init__(self, **facts):
        self.facts, self.summary, self.images, self.rows = facts, {}, {}, []
        self.url = f"https://wandb.example/somebody/semsynth/runs/{facts['id']}"

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return None

    def log(self, row):
        if "epoch" in row:
            self.rows.append(row)
        else:
            self.images |= row


@pytest.mark.parametrize(("name", "content", "error"), [
    ("metrics.csv", "step,epoch,score/miou\n9,0,much\n", ReportError), ("wandb.json", "{", LoggerError)])
def test_damaged_files_are_named(name, content, error, make_run, tmp_path):
    run = make_run("clade", make_run.config(), {"miou": 0.5})
    (run / name).write_text(content)
    groups = group_runs(read_runs([run]))
    report = write_report(groups, tmp_path / "out", None)
    with pytest.raises(error, match=name):
        specify(groups, report, "semsynth", None, "Norms")


def test_sending(written, monkeypatch):
    """The runs first, then the report; the server is replaced at its door."""
    interface = pytest.importorskip("wandb_workspaces.reports.v2.interface")
    import wandb

    runs, sent = [], {}

    def init(**facts):
        runs.append(Logged(**facts))
        return runs[-1]

    def execute(api, query, variables):
        if "spec" not in variables:
            return {"project": {"internalId": "7"}}
        sent.update(variables)
        view = {"id": "abc", "name": variables["name"], "displayName": variables["displayName"], "type": "runs",
                "description": variables["description"], "spec": variables["spec"],
                "project": {"name": "semsynth", "entityName": "somebody"}, "createdAt": "2026-01-02T03:04:05",
                "updatedAt": "2026-01-02T03:04:05"}
        return {"upsertView": {"view": view}}

    class Api:
        client = None

        def projects(self, entity):
            return [type("Project", (), {"name": "semsynth"})]

    monkeypatch.setattr(wandb, "init", init)
    monkeypatch.setattr(interface, "_get_api", Api)
    monkeypatch.setattr(interface, "execute_graphql", execute)
    monkeypatch.setattr(interface, "get_app_url", lambda api: "https://wandb.example")
    specification = {**written[0], "entity": "somebody"}
    assert wandb_send.send(specification) == "https://wandb.example/somebody/semsynth/reports/Norms--abc"
    assert [run.facts["name"] for run in runs] == [run["name"] for run in specification["runs"]]
    assert runs[2].summary == specification["runs"][2]["summary"]
    assert list(runs[-1].images) == list(specification["runs"][-1]["images"])
    assert runs[2].rows == specification["runs"][2]["history"]
    assert f"[clade, seed 0]({runs[2].url}), [its training](https://wandb.example/somebody/mine/runs/trained0)" in sent[
        "spec"]
    assert "trained1" not in sent["spec"]  # it is offline: its address leads nowhere
    kinds = {panel["viewType"] for panel in _panels(json.loads(sent["spec"]))}
    assert {"Bar Chart", "Run History Line Plot"} <= kinds
    for word in ("fid/train", "frechet/scenes", "cost/runtime", "report/runtime_scenes_32x32", "clade, seed 1",
                 "mixed transition 4"):
        assert word in sent["spec"]


def _panels(node):
    """All panels within the specification of a block."""
    if isinstance(node, dict):
        found = [node] if "viewType" in node else []
        return found + [panel for child in node.values() for panel in _panels(child)]
    return [panel for child in node for panel in _panels(child)] if isinstance(node, list) else []


def test_sending_again_logs_what_is_new(monkeypatch):
    """The same runs: curves would have every point twice."""
    import wandb

    run = Logged(id="a")
    run.summary["epoch"] = 4
    monkeypatch.setattr(wandb, "init", lambda **facts: run)
    history = [{"epoch": epoch, "score/miou": 0.1} for epoch in (3, 4, 5)]
    wandb_send._log({"id": "a", "name": "a", "config": {}, "summary": {}, "images": {}, "history": history},
                    {"project": "p", "entity": None})
    assert run.rows == history[2:]


@pytest.mark.parametrize(
    ("environment", "netrc", "account"),
    [({}, "", False), ({"WANDB_API_KEY": "x"}, "", True), ({"WANDB_API_KEY": "x", "WANDB_MODE": "offline"}, "", False),
     ({}, "machine api.wandb.ai login user password x", True),
     ({"WANDB_BASE_URL": "https://here"}, "machine api.wandb.ai login user password x", False)],
)
def test_an_account(environment, netrc, account, tmp_path, monkeypatch):
    (tmp_path / "netrc").write_text(netrc)
    for key in ("WANDB_API_KEY", "WANDB_MODE", "WANDB_BASE_URL"):
        monkeypatch.delenv(key, raising=False)
    for key, value in {"NETRC": str(tmp_path / "netrc"), **environment}.items():
        monkeypatch.setenv(key, value)
    assert wandb_send.has_account() is account


def test_without_workspaces_the_way_out_is_named(written, monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb_workspaces.reports.v2", None)
    with pytest.raises(wandb_send.SendingError, match=r"pip install 'semsynth\[report\]'"):
        wandb_send.build(written[0], "somebody", {})
