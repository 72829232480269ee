/** Draws by asking the server that the page came from; see engine.js. */

const TOKEN = "semsynth-token";
const BUSY = 503; // asked again, once
const PAUSE = 500; // milliseconds before that

/** The token of the link, kept for this tab and taken out of the address. */
function token() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given) {
    sessionStorage.setItem(TOKEN, given);
    history.replaceState(null, "", location.pathname);
  }
  return sessionStorage.getItem(TOKEN) || "";
}

async function ask(path, options = {}) {
  const secret = token();
  const headers = secret ? { Authorization: `Bearer ${secret}` } : {};
  const once = () => fetch(`api/${path}`, { ...options, headers: { ...headers, ...options.headers } });
  let answer;
  try {
    answer = await once();
    if (answer.status === BUSY) {
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
      answer = await once();
    }
  } catch {
    throw new Error("The server does not answer: is the command still running?");
  }
  if (answer.ok) return answer;
  const words = await answer.json().then((told) => told.error).catch(() => (answer.status === BUSY
    ? "Too many use the server at the moment: close other pages of it, or paint on in a while."
    : `The server answered ${answer.status}.`));
  throw Object.assign(new Error(words), { outdated: answer.status === 409 });
}

/** A request: a line of JSON, then bytes. */
function send(path, head, bytes = new Uint8Array()) {
  const body = new Blob([`${JSON.stringify(head)}\n`, bytes]);
  return ask(path, { method: "POST", body, headers: { "Content-Type": "application/octet-stream" } });
}

/** RGB bytes to RGBA. */
function opaque(rgb) {
  const pixels = new Uint8ClampedArray((rgb.length / 3) * 4).fill(255);
  for (let from = 0, to = 0; from < rgb.length; from += 3, to += 4) {
    pixels[to] = rgb[from];
    pixels[to + 1] = rgb[from + 1];
    pixels[to + 2] = rgb[from + 2];
  }
  return pixels;
}

const bytesOf = async (answer) => new Uint8Array(await answer.arrayBuffer());

export async function openEngine() {
  const description = await (await ask("description")).json();
  const { width, height } = description;
  const page = crypto.getRandomValues(new Uint32Array(2)).join("-");
  let turn = 0;
  const head = (words) => ({ page, turn: ++turn, ...words });
  return {
    description,
    async draw(network, labels, style) {
      return { width, height, pixels: opaque(await bytesOf(await send("draw", head({ network, style }), labels))) };
    },
    async encodeStyle(network, photo, labels) {
      const body = new Blob([labels, photo]);
      return (await send("style", head({ network }), body)).json();
    },
    async start(index) {
      const answer = await ask(`starts/${index}`);
      return { name: decodeURIComponent(answer.headers.get("X-Name")), labels: await bytesOf(answer) };
    },
    async startPhoto(index) {
      return (await ask(`starts/${index}/photo`)).blob();
    },
    async readMask(file) {
      return bytesOf(await send("mask", head({ name: file.name }), file));
    },
    async recipe(network, style, files) {
      return (await send("recipe", { network, style, files })).text();
    },
  };
}
