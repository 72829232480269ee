"""One browser for all tests of this folder; `make test-browser` runs them.

`page` is an empty page of a browser without a past. A test fails where its page raises an error, logs one, or asks
anybody but this machine for anything.
"""

from contextlib import ExitStack
from urllib.parse import urlsplit

import numpy as np
import pytest
from browser.browsers import demo, install, installed, static
from PIL import Image

from semsynth import runs
from semsynth.errors import ConfigError
from semsynth.exporting.export import export
from semsynth.exporting.source import Source
from semsynth.exporting.web import Site

SKIPPED = pytest.StashKey[str]()
SIZE = {"width": 1280, "height": 900}


def pytest_terminal_summary(terminalreporter):
    """Why all are skipped, in one line."""
    if reason := terminalreporter.config.stash.get(SKIPPED, None):
        terminalreporter.write_line(f"tests/browser was skipped: {reason}")


@pytest.fixture(scope="session")
def launch(request):
    """launch(*flags) -> Chromium, see Playwright's `Browser`; closed at the end."""
    reason = install()
    if reason:
        request.config.stash[SKIPPED] = reason
        pytest.skip(reason)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = []

        def make(*flags):
            started.append(playwright.chromium.launch(executable_path=installed(), args=list(flags)))
            return started[-1]

        yield make
        for chromium in started:
            chromium.close()


@pytest.fixture(scope="session")
def browser(launch):
    """The one for all."""
    return launch()


@pytest.fixture(scope="session")
def runtime(request):
    """onnxruntime-web as it was published, from this machine's own cache or the network."""
    from semsynth.exporting.runtime import archive

    with pytest.MonkeyPatch.context() as patch:
        for variable in ("TORCH_HOME", "SEMSYNTH_WEIGHTS"):  # tests are kept from them
            patch.delenv(variable, raising=False)
        try:
            return archive()
        except ConfigError as error:
            request.config.stash[SKIPPED] = str(error)
            pytest.skip(str(error))


@pytest.fixture(scope="session")
def exported(runtime, tmp_path_factory):
    """exported(run, **words) -> the folder of format=web; words are those of `export` and `Site`."""
    def make(run, webgpu=False, starts=None, **words):
        kept = runs.Run(run)
        source = Source(run, kept.plain, kept.saved, kept.weights, kept.generator, kept.encoder)
        folder = tmp_path_factory.mktemp("sites") / "site"
        export(source, "web", folder, site=Site(runtime, webgpu, starts), **words)
        return folder

    return make


@pytest.fixture
def served():
    """served(folder) -> its address, as a static host has it."""
    with ExitStack() as stack:
        yield lambda folder: stack.enter_context(static(folder))


@pytest.fixture
def new_page(browser):
    """new_page(viewport={...}, ...) -> a page of its own; words are those of Playwright's `browser.new_context`.

    new_page(browser=...) takes one that was launched with other flags.
    `new_page.errors` are what pages have complained of so far; a test that expects some clears it.
    """
    opened = []

    def make(browser=browser, **words):
        context = browser.new_context(**{"viewport": SIZE} | words)
        context.set_default_timeout(30_000)
        opened.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: make.errors.append(f"error: {error}"))
        page.on("console", lambda line: _is_complaint(line) and make.errors.append(f"console: {line.text}"))
        page.on("request", lambda request: _is_foreign(request.url) and make.errors.append(f"asked {request.url}"))
        return page

    make.errors = []
    yield make
    for context in opened:
        context.close()
    assert not make.errors


def _is_complaint(line):
    return line.type == "error" and not line.location["url"].endswith("/favicon.ico")  # which every browser asks for


def _is_foreign(url):
    parts = urlsplit(url)
    return parts.scheme not in ("data", "blob") and parts.hostname not in ("127.0.0.1", "localhost", "::1")


@pytest.fixture
def page(new_page):
    """One page, 1280 pixels wide."""
    return new_page()


@pytest.fixture(scope="module")
def run(tiny_run):
    """A run with a style vector."""
    return tiny_run(z_dim=17)


@pytest.fixture(scope="module")
def address(run):
    """Of the painting page with that run."""
    with demo(run) as address:
        yield address


@pytest.fixture
def photo(tmp_path):
    """A photograph of another shape than the run's."""
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
    Image.fromarray(pixels).resize((90, 70)).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"
