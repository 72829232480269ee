"""The page's own files: nothing from outside, nothing inline, and what the scripts look for is there."""

import re
import shutil
import subprocess

import pytest

from semsynth.demo.app import PAGE, page_files

FILES = {path.name: path.read_text() for path in PAGE.iterdir() if path.is_file()}
SCRIPTS = {name: text for name, text in FILES.items() if name.endswith(".js")}
HTML = FILES["index.html"]


def test_every_file_is_served():
    assert page_files().keys() == FILES.keys()
    assert not [name for name, text in FILES.items() if text.count("\n") > 300]


@pytest.mark.parametrize("name", FILES)
def test_nothing_comes_from_outside(name):
    addresses = re.findall(r"(?:https?:)?//[a-z][\w.]+\.[a-z]{2,}", FILES[name])
    assert [address for address in addresses if not address.endswith("//www.w3.org")] == []
    assert "@import" not in FILES[name]
    assert not re.search(r"\beval\(|new Function|innerHTML|insertAdjacentHTML|document\.write", FILES[name])


def test_nothing_is_inline():
    assert not re.search(r"\son\w+=|\sstyle=|<style|javascript:", HTML)
    assert re.findall(r"<script[^>]*>(.*?)</script>", HTML, re.DOTALL) == [""]


def test_imports_and_references_are_there():
    for text in SCRIPTS.values():
        assert set(re.findall(r'from "\./([\w.]+)"', text)) <= SCRIPTS.keys()
    assert set(re.findall(r'(?:src|href)="([^"]+)"', HTML)) <= FILES.keys()


def test_what_scripts_look_for_is_there():
    there = re.findall(r'\bid="([\w-]+)"', HTML)
    assert len(there) == len(set(there))
    wanted = {name for text in SCRIPTS.values()
              for name in re.findall(r'(?:getElementById|\bat)\("([\w-]+)"\)', text)}
    assert len(wanted) > 20
    assert wanted <= set(there)


def test_everything_has_a_name_for_screen_readers():
    for tag in re.findall(r"<(?:section|canvas|dialog)\b[^>]*>", HTML):
        assert "aria-label" in tag or 'aria-hidden="true"' in tag, tag
    for control in re.findall(r"<input\b[^>]*>", HTML):
        before = HTML[:HTML.index(control)]
        assert before.rfind("<label") > before.rfind("</label>"), control


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node, which reads the scripts")
@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_can_be_read(name):
    result = subprocess.run(["node", "--check", "--input-type=module"], input=SCRIPTS[name], text=True,
                            capture_output=True)
    assert result.returncode == 0, result.stderr
