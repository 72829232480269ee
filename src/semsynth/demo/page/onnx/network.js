/** ONNX networks in the browser, run by onnxruntime-web: WebGPU where asked for or at hand, else WebAssembly. */

const MISSING = "is not where it should be: was the folder copied as a whole?";

/** The bytes of a file of this site; `told(loaded)` is called with the bytes so far. */
export async function fetched(path, told = () => {}) {
  let answer;
  try {
    answer = await fetch(path);
  } catch {
    throw new Error(`${path} cannot be read. A page that was opened as a file can read nothing: serve its folder, as ` +
      "with python -m http.server.");
  }
  if (!answer.ok) throw new Error(`${path} ${MISSING}`);
  const parts = [];
  let loaded = 0;
  for (const reader = answer.body.getReader(); ;) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    loaded += value.length;
    told(loaded);
  }
  const bytes = new Uint8Array(loaded);
  parts.reduce((at, part) => (bytes.set(part, at), at + part.length), 0);
  return bytes;
}

/**
 * Which of the runtimes that a site holds is taken here, {name: "wasm" or "webgpu", wished}: as the address wishes
 * (?runtime=wasm), else WebGPU where the browser has a real adapter and can wait within WebAssembly.
 */
export async function chosenRuntime(runtimes) {
  const wish = new URLSearchParams(location.search).get("runtime");
  if (wish && !(wish in runtimes)) {
    throw new Error(`runtime=${wish} is not in this folder: it holds ${Object.keys(runtimes).join(" and ")}.`);
  }
  if (wish) return { name: wish, wished: true };
  const able = "webgpu" in runtimes && navigator.gpu && "Suspending" in WebAssembly;
  const adapter = able ? await navigator.gpu.requestAdapter().catch(() => null) : null;
  return { name: adapter && !adapter.info?.isFallbackAdapter ? "webgpu" : "wasm", wished: false };
}

/** onnxruntime-web, ready to open networks. `runtime`: {script, loader, binary}, names in the folder `runtime/`. */
export async function openRuntime(name, { script, loader, binary }, told) {
  const at = (file) => new URL(`runtime/${file}`, document.baseURI).href;
  const wasmBinary = await fetched(at(binary), told);
  const ort = await import(at(script)).catch(() => {
    throw new Error(`runtime/${script} ${MISSING}`);
  });
  // more threads share their memory, which browsers allow only to sites that send headers of isolation
  Object.assign(ort.env.wasm, { numThreads: 1, wasmPaths: { mjs: at(loader) }, wasmBinary, proxy: name === "wasm" });
  let last = Promise.resolve(); // one network runs at a time
  const inTurn = (work) => { last = last.then(work, work); return last; };
  return {
    /** A network of these bytes: called with {name: {type, values, shape}}, it answers {name: Float32Array}. */
    async open(bytes) {
      const session = await ort.InferenceSession.create(bytes, { executionProviders: [name], logSeverityLevel: 3 });
      return async (inputs) => {
        const feeds = Object.fromEntries(Object.entries(inputs).map(([input, { type, values, shape }]) => (
          [input, new ort.Tensor(type, values, shape)])));
        const made = Object.entries(await inTurn(() => session.run(feeds)));
        return Object.fromEntries(await Promise.all(made.map(async ([output, tensor]) => (
          [output, await tensor.getData()]))));
      };
    },
  };
}
