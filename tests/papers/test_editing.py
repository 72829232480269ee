"""Edits of validation pictures, and the page that shows them."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from semsynth.encoders.group import GroupEncoder
from semsynth.encoders.instance import InstanceEncoder
from semsynth.errors import ReportError
from semsynth.generators.groupdnet import GroupDNetGenerator
from semsynth.generators.inade import INADEGenerator
from semsynth.norms.clade import CLADE
from semsynth.norms.inade import INADE
from semsynth.papers import editing
from semsynth.papers.edits import Editor, has_parts
from semsynth.papers.results import Results


def groupdnet(trained):
    torch.manual_seed(0)
    generator = GroupDNetGenerator(CLADE, 5, size=(32, 32), ngf=5, groups=[5] * 7, init_gain=1.0).eval()
    encoder = GroupEncoder(5, size=(32, 32), class_width=2, init_gain=1.0).eval()
    return replace(trained(), generator=generator, encoder=encoder)


def inade(trained):
    """Each street has a second house, an instance of its own."""
    torch.manual_seed(0)
    generator = INADEGenerator(INADE, 5, size=(32, 32), ngf=2, upsamplings=3, init_gain=1.0).eval()
    one = replace(trained(), generator=generator, encoder=InstanceEncoder(nef=2, init_gain=1.0).eval())
    for sample in one.split:
        sample["labels"][6:14, 22:30] = 3
        sample["instances"] = sample["labels"].clone()
        sample["instances"][6:14, 22:30] = 1000
    return one


def test_an_edit_of_a_class_changes_that_class(trained):
    editor = Editor(groupdnet(trained), [0, 1, 2])
    assert not editor.by_instance
    edits = list(editor.edits())
    assert [edit.label for edit in edits if edit.index == 0] == [0, 1, 3, 4]
    assert [(edit.index, edit.source) for edit in edits if edit.label == 3] == [(0, 1), (1, 2), (2, 0)]
    house = next(edit for edit in edits if edit.label == 3)
    assert house.region.equal(editor.maps[0].labels[0] == 3)
    assert house.shown.equal(editor.maps[1].labels[0] == 3)
    style = editor.changed(house).classes
    assert (style != editor.styles[0].classes).any(2)[0].tolist() == [False, False, False, True, False]
    assert style[0, 3].equal(editor.styles[1].classes[0, 3])
    before, after = editor.draw([edit for edit in edits if edit.index == 0])
    assert (before.shape, after.shape) == ((1, 3, 32, 32), (4, 3, 32, 32))
    assert (after - before).abs().amax((1, 2, 3)).gt(0).all()


def test_an_edit_of_an_instance_leaves_the_other_of_its_class(trained):
    editor = Editor(inade(trained), [0, 1])
    assert editor.by_instance
    edits = [edit for edit in editor.edits(instances=True) if edit.index == 0]
    assert [(edit.label, int(edit.region.sum())) for edit in edits] == [(3, 80), (3, 64)]  # several of houses alone
    assert all(int(edit.shown.sum()) == 80 for edit in edits)  # the largest
    before, after = editor.draw(edits)
    style = editor.changed(edits[1]).instances[0]
    places = [edit.instance for edit in edits]
    assert (style != editor.styles[0].instances[0]).any(1).nonzero().flatten().tolist() == [places[1]]
    assert style[places[1]].equal(editor.styles[1].instances[0, places[0]])
    change = (after - before).abs().mean(1)
    for mine, other in ((0, 1), (1, 0)):
        assert change[mine][edits[mine].region].mean() > 20 * change[mine][edits[other].region].mean()
    whole = next(edit for edit in editor.edits() if edit.label == 3)
    codes = editor.changed(whole).instances[0, places]
    assert codes.equal(editor.styles[1].instances[0, places])  # the larger as the larger


def run(name, seed=0, done=True):
    return SimpleNamespace(name=name, seed=seed, has_checkpoint=done, directory=f"runs/{name}{seed}")


def test_the_page(trained, monkeypatch, tmp_path):
    networks = {"GroupDNet": groupdnet(trained), "INADE": inade(trained), "clade": trained("clade", z_dim=4)}
    opened = []
    monkeypatch.setattr(editing, "open_run", lambda one: opened.append(one.directory) or networks[one.name])
    assert not has_parts(networks["clade"])
    runs = run("INADE", 1), run("INADE"), run("GroupDNet", 2), run("clade"), run("GroupDNet", 0, done=False)
    output = editing.Editing(classes=["house", "moon"], instances=["house"], samples=3)
    sections = output(Results("name", runs, (), tmp_path))
    assert sorted(opened) == ["runs/GroupDNet2", "runs/INADE0", "runs/clade0"]
    tables = [section.table for section in sections if section.table]
    assert [row[:3] for row in tables[0].rows] == [["INADE", "a class", "12"], ["INADE", "an instance", "6"],
                                                   ["GroupDNet", "a class", "12"]]
    assert tables[1].head == ["network", "changed", "sky", "grass", "house", "car"]
    assert tables[1].rows[1].count("-") == 3
    pictures = [section.picture.name for section in sections if section.picture]
    assert pictures == ["name_leak.png", "name_inade_class.png", "name_inade_instance.png", "name_groupdnet_class.png"]
    for name in pictures:
        assert np.asarray(Image.open(tmp_path / name)).std() > 10
    with pytest.raises(ReportError, match=r"no network whose encoder says styles by class or by instance"):
        output(Results("name", (run("clade"),), (), tmp_path))
