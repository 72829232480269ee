/** The style vectors that styles of the page stand for; see engine.js for what a style is. */
import { randn } from "./random.js";

/** Float32Array of `length` numbers. */
export function vectorOf(style, length) {
  if (style.seed !== undefined) return randn(style.seed, length);
  if (style.between) return between(...style.between.map((end) => vectorOf(end, length)), style.share);
  if (style.base) return vectorOf(style.base, length); // a vector holds for the whole picture
  const vector = fromBase64(style.codes.vector.data);
  if (vector.length !== length) throw new Error(`The style has ${vector.length} numbers, this network takes ${length}.`);
  return vector;
}

/** On the line from one vector to another, as long as the share of the way says. */
function between(first, second, share) {
  const line = first.map((value, i) => value * (1 - share) + second[i] * share);
  const wanted = norm(first) * (1 - share) + norm(second) * share;
  const scale = wanted / Math.max(norm(line), 1e-8);
  return line.map((value) => value * scale);
}

const norm = (vector) => Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));

export function toBase64(vector) {
  const bytes = new Uint8Array(4 * vector.length);
  const view = new DataView(bytes.buffer);
  vector.forEach((value, i) => view.setFloat32(4 * i, value, true));
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}

function fromBase64(text) {
  const bytes = Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  return Float32Array.from({ length: bytes.length / 4 }, (_, i) => view.getFloat32(4 * i, true));
}
