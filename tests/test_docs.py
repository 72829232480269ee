"""What README and docs/ point to is there: files, headings, scripts, modules, and the keys of the command line."""

import importlib
import re
from functools import cache

import pytest
from commands import ROOT, composed
from omegaconf import OmegaConf

ROOT_PAGES = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")
PAGES = sorted([*(ROOT / name for name in ROOT_PAGES), *(ROOT / "docs").rglob("*.md"), *(ROOT / "bench").glob("*.md")])
PACKAGE = ROOT / "src" / "semsynth"
DIFFERENCES = (ROOT / "docs" / "papers_and_code.md").read_text()
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))


@cache
def anchors(page):
    """Of the headings, as GitHub makes them."""
    prose = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    found: list[str] = []
    for heading in re.findall(r"^#+ (.+)$", prose, re.MULTILINE):
        slug = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        found.append(f"{slug}-{found.count(slug)}" if slug in found else slug)
    return found


@each_page
def test_links_lead_somewhere(page):
    for link in re.findall(r"\]\(([^)]+)\)", page.read_text()):
        if not link.startswith(("http://", "https://")):
            path, _, anchor = link.partition("#")
            target = page.parent / path if path else page
            assert target.exists(), link
            assert not anchor or anchor in anchors(target), link


def without_recipes(page):
    """Its text but for files that a reader is told to write: blocks that begin with their path."""
    return re.sub(r"```\w+\n# \S+/\S+\n.*?```", "", page.read_text(), flags=re.DOTALL)


@each_page
def test_files_are_there(page):
    """Those of the project by their path in it, or by their path in the package, and the scripts of commands."""
    text = without_recipes(page)
    parts = "|".join(p.stem for p in PACKAGE.iterdir() if (p / "__init__.py").exists())
    paths = re.findall(r"(?<![\w/.-])(?:src|tests|conf|tools|bench|notebooks)/[\w./-]*\w/?", text)
    own = re.findall(rf"(?<![\w/.-])(?:{parts})/[\w/]+\.py", text)
    scripts = re.findall(r"\bpython ([\w/]+\.py)", text)
    missing = [path for path in (*paths, *scripts) if not (ROOT / path).exists()]
    assert not missing + [path for path in own if not (PACKAGE / path).exists()]


@each_page
def test_modules_are_there(page):
    """`semsynth.a.b.Name` is a module, or a name in one."""
    for dotted in set(re.findall(r"(?<![\w.])semsynth((?:\.\w+)+)", without_recipes(page))):
        path, names = PACKAGE, dotted[1:].split(".")
        while names and ((path / names[0]).is_dir() or (path / f"{names[0]}.py").exists()):
            path /= names.pop(0)
        module = importlib.import_module("semsynth." + ".".join(path.relative_to(PACKAGE).parts))
        for name in names:
            module = getattr(module, name)


@cache
def configurations():
    """Of the commands, with the choices that have the keys which others lack."""
    return [composed("train", "dataset=ade20k_outdoor"), composed("train", "system=unpaired", "loss=unpaired"),
            composed("complexity"), composed("synthesize", "run=x", "input=x", "output=x")]


def test_the_keys_of_papers_and_code_are_there():
    """Every `key=value`, and every dotted key; they may be those of any command."""
    words = [word for text in re.findall(r"`([^`\n]+)`", DIFFERENCES) for word in text.split()]
    keys = [word for word in words if re.fullmatch(r"[a-z][\w.]*=.*|[a-z_]+(\.[a-z_]+)+", word)
            and not word.endswith((".py", ".md", ".json"))]
    assert len(keys) > 30
    for word in keys:
        key, _, choice = word.partition("=")
        folder = ROOT / ("experiments" if key == "experiments" else f"conf/{key}")
        if choice and folder.is_dir():
            assert (folder / f"{choice}.yaml").exists(), word
        else:
            node, _, last = key.rpartition(".")
            nodes = [OmegaConf.select(cfg, node) if node else cfg for cfg in configurations()]
            assert any(OmegaConf.is_dict(n) and last in n for n in nodes), word


@pytest.mark.parametrize("key", ["discriminator.num_layers=4", "generator.init_gain=0.02", "generator.upsamplings=null",
                                 "recipe.regenerate_fake=true", "loss.generator.feature_matching.weight=10",
                                 "protocol.label_resize=nearest", "protocol.real_resize=interpolate",
                                 "protocol.class_mean=null", "protocol.lpips_network=alex"])
def test_what_is_done_by_itself_on_the_data_sets_of_the_papers(key):
    """The page says so of these keys."""
    assert f"`{key}`" in DIFFERENCES
    name, _, value = key.partition("=")
    assert OmegaConf.select(configurations()[0], name) == OmegaConf.create(f"value: {value}").value


def test_the_example_of_fast_modulation_runs():
    example, = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "fast_modulation.md").read_text(), re.DOTALL)
    exec(example, {})
