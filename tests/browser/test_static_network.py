"""What the static page's network draws in Chromium is what torch draws."""

import base64

import numpy as np
import pytest
import torch
from browser.painting import Painting

from semsynth import Synthesizer
from semsynth.exporting.runtime import RUNTIMES

DRAW = """async ([maps, seeds]) => {
  const { inputsOf } = await import("/onnx/inputs.js");
  const { chosenRuntime, fetched, openRuntime } = await import("/onnx/network.js");
  const about = await (await fetch("/model/about.json")).json();
  const { name } = await chosenRuntime(about.runtimes);
  const runtime = await openRuntime(name, about.runtimes[name], () => {});
  const draw = await runtime.open(await fetched("/model/generator.onnx"));
  const made = [];
  for (const labels of maps) {
    for (const seed of seeds) {
      const { image } = await draw(inputsOf(about, Uint8Array.from(labels), { seed }));
      const bytes = new Uint8Array(image.buffer, image.byteOffset, image.byteLength);
      made.push(btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join("")));
    }
  }
  return made;
}"""
NETWORKS = {
    "clade": {"z_dim": 17},
    "clade_icpe_edges": {"norm": "clade_icpe", "z_dim": 3, "edges": True},
    "spade": {"norm": "spade", "size": (32, 64)},
}
SEEDS = (0, 1234567)


def maps(size):
    numbers = np.random.default_rng(0)
    return [np.kron(numbers.integers(0, 5, (size[0] // 8, size[1] // 8)), np.ones((8, 8), int)),
            np.full(size, 2), numbers.integers(0, 5, size)]


def drawn_in_chromium(page, address, maps, seeds=SEEDS):
    page.goto(address)  # of something in which nothing runs
    made = page.evaluate(DRAW, [[labels.ravel().tolist() for labels in maps], list(seeds)])
    return np.stack([np.frombuffer(base64.b64decode(text), np.float32).reshape(3, *maps[0].shape) for text in made])


def drawn_by_torch(run, maps, seeds=SEEDS):
    synthesizer = Synthesizer.from_run(run)
    images = []
    for labels in maps:
        for seed in seeds:
            words = {"seed": seed} if synthesizer.z_dim else {}
            images.append(synthesizer(labels[None], instances=labels[None], **words)[0])
    return torch.stack(images).numpy()


@pytest.mark.parametrize("name", NETWORKS)
def test_pictures_are_those_of_torch(name, page, tiny_run, exported, served):
    run = tiny_run(**NETWORKS[name])
    painted = maps(NETWORKS[name].get("size", (32, 32)))
    made = drawn_in_chromium(page, served(exported(run, stored="float32")) + "icon.svg", painted)
    wanted = drawn_by_torch(run, painted)
    assert wanted.std() > 0.05
    np.testing.assert_allclose(made, wanted, atol=1e-4, rtol=0)


def test_weights_in_float16_move_pictures_by_less_than_a_level(page, tiny_run, exported, served):
    run = tiny_run(z_dim=17, ngf=8)
    made = drawn_in_chromium(page, served(exported(run)) + "icon.svg", maps((32, 32)))
    difference = np.abs(made - drawn_by_torch(run, maps((32, 32)))).max()
    assert 1e-6 < difference < 2 / 255  # not held in float32, and held well


def test_webgpu_draws_the_same(launch, new_page, tiny_run, exported, served):
    run = tiny_run(z_dim=17)
    software = launch("--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader", "--enable-features=Vulkan")
    page = new_page(browser=software)
    address = served(exported(run, stored="float32", webgpu=True))
    page.goto(f"{address}icon.svg")
    if not page.evaluate("async () => Boolean(await navigator.gpu?.requestAdapter())"):
        pytest.skip("this Chromium has no adapter for WebGPU, in software neither")
    one = maps((32, 32))[:1], SEEDS[:1]
    made = drawn_in_chromium(page, f"{address}icon.svg?runtime=webgpu", *one)
    np.testing.assert_allclose(made, drawn_by_torch(run, *one), atol=1e-3, rtol=0)


def test_webassembly_draws_where_webgpu_is_of_no_use(new_page, tiny_run, exported, served, tmp_path):
    page = new_page()
    page.add_init_script("""Object.defineProperty(navigator, "gpu", { value: { requestAdapter: async () => ({
        info: {}, limits: {}, features: new Set(), requestDevice: async () => { throw new Error("no device"); },
    }) } });""")
    asked = []
    page.on("request", lambda request: asked.append(request.url.rpartition("/")[2]))
    painting = Painting(page, served(exported(tiny_run(z_dim=17), stored="float32", webgpu=True)), tmp_path)
    assert painting.page.locator("body[data-milliseconds]").count()
    assert {RUNTIMES["webgpu"].binary, RUNTIMES["wasm"].binary} <= set(asked)
    new_page.errors.clear()  # the runtime logs its own
