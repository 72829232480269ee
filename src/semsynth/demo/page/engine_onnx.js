/**
 * Draws within the page, by ONNX networks that lie beside it; nothing leaves the reader's machine. See engine.js.
 *
 * Written by `python tools/export.py format=web`: `model/about.json` says what lies there. {seed: n} is drawn as
 * torch.randn(Z, generator=torch.Generator().manual_seed(n)), so that a seed means the same as on the command line.
 */
import { floats, inputsOf } from "./onnx/inputs.js";
import { chosenRuntime, fetched, openRuntime } from "./onnx/network.js";
import { readMask } from "./onnx/masks.js";
import { asPixels, photograph } from "./onnx/photo.js";
import { recipe } from "./onnx/recipe.js";
import { toBase64 } from "./onnx/style_vector.js";

const json = async (path) => JSON.parse(new TextDecoder().decode(await fetched(path)));

/** The networks, by the runtime that suits this browser; by WebAssembly where its WebGPU turns out to be of no use. */
async function load(about, told) {
  const { name, wished } = await chosenRuntime(about.runtimes);
  try {
    return await loadBy(name, about, told);
  } catch (error) {
    if (wished || name === "wasm") throw error;
    return loadBy("wasm", about, told);
  }
}

/** Fetches a runtime and the networks; told(words) of how far it is. */
async function loadBy(name, about, told) {
  const runtime = about.runtimes[name];
  const all = runtime.bytes + Object.values(about.networks).reduce((sum, { bytes }) => sum + bytes, 0);
  let before = 0;
  const progress = (loaded) => told(`Loading the network, ${megabytes(before + loaded)} of ${megabytes(all)} MB …`);
  const { open } = await openRuntime(name, runtime, progress);
  before += runtime.bytes;
  const networks = {};
  for (const [role, { file, bytes }] of Object.entries(about.networks)) {
    networks[role] = await open(await fetched(`model/${file}`, progress));
    before += bytes;
  }
  told("Ready.");
  return networks;
}

const megabytes = (bytes) => (bytes / 1e6).toFixed(1);

export async function openEngine(told = () => {}) {
  const about = await json("model/about.json");
  const { height, width, classes, z_dim: zDim } = about;
  const { generator, encoder } = await load(about, told);
  return {
    description: {
      key: about.key, width, height, classes, blank: about.blank, starts: about.starts.length,
      networks: [{ name: about.name, styled: zDim > 0, encodes: Boolean(encoder), regions: false,
        instances: false }],
    },
    async draw(_, labels, style) {
      const { image } = await generator(inputsOf(about, labels, style));
      return { width, height, pixels: asPixels(image) };
    },
    async encodeStyle(_, photo) {
      const [high, wide] = about.encoder_size;
      const { mean } = await encoder({ image: floats(await photograph(photo, [high, wide]), 3, high, wide) });
      return { codes: { vector: { shape: [1, zDim], data: toBase64(mean) } } };
    },
    async start(index) {
      const { name, labels } = about.starts[index];
      return { name, labels: await fetched(`model/${labels}`) };
    },
    async startPhoto(index) {
      return new Blob([await fetched(`model/${about.starts[index].photo}`)]);
    },
    readMask: (mask) => readMask(mask, about),
    recipe: async (_, style, files) => recipe(about, style, files),
  };
}
