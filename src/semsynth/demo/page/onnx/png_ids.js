/** The numbers that PNG files of label maps hold; browsers only tell the colours that they are shown in. */

const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];
const MOST = 50e6; // pixels
const BROKEN = "this PNG file is damaged";

/**
 * Of a PNG file of grey values or palette indices: {width, height, values, palette}, `palette` (RGB bytes) or null.
 * null for files of another kind: RGB, interlaced, no PNG.
 */
export async function pngIds(bytes) {
  if (!SIGNATURE.every((byte, i) => bytes[i] === byte)) return null;
  const { head, palette, packed } = chunks(bytes);
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  const [width, height, depth, kind, interlaced] = [view.getUint32(0), view.getUint32(4), head[8], head[9], head[12]];
  if (![0, 3].includes(kind) || interlaced) return null;
  if (!width || !height) throw new Error(BROKEN);
  if (width * height > MOST) throw new Error(`it has ${width}×${height} pixels, more than are taken: scale it down`);
  const stride = Math.ceil((width * depth) / 8);
  const rows = await inflated(packed, (stride + 1) * height);
  unfilter(rows, stride, height, Math.max(1, depth >> 3));
  return { width, height, values: unpacked(rows, { width, height, depth, stride }), palette };
}

function chunks(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let head = null, palette = null;
  const packed = [];
  for (let at = 8; at + 12 <= bytes.length;) {
    const length = view.getUint32(at), name = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const data = bytes.subarray(at + 8, at + 8 + length);
    if (data.length < length) break;
    if (name === "IHDR") head = data;
    if (name === "PLTE") palette = data;
    if (name === "IDAT") packed.push(data);
    at += 12 + length;
  }
  if (!head || head.length !== 13 || !packed.length) throw new Error(BROKEN);
  return { head, palette, packed };
}

async function inflated(packed, wanted) {
  const rows = new Uint8Array(wanted);
  let at = 0;
  try {
    const reader = new Blob(packed).stream().pipeThrough(new DecompressionStream("deflate")).getReader();
    while (at < wanted) {
      const { done, value } = await reader.read();
      if (done) break;
      rows.set(value.subarray(0, wanted - at), at);
      at += value.length;
    }
    reader.cancel().catch(() => {});
  } catch {
    throw new Error(BROKEN);
  }
  if (at < wanted) throw new Error("this PNG file ends early");
  return rows;
}

/** Undoes the filters of rows, in place; each row follows the number of its filter. */
function unfilter(rows, stride, height, back) {
  for (let y = 0; y < height; y++) {
    const start = y * (stride + 1) + 1, filter = rows[start - 1];
    for (let x = 0; x < stride; x++) {
      const left = x >= back ? rows[start + x - back] : 0;
      const above = y ? rows[start + x - stride - 1] : 0;
      const corner = y && x >= back ? rows[start + x - stride - 1 - back] : 0;
      rows[start + x] += [0, left, above, (left + above) >> 1, paeth(left, above, corner)][filter];
    }
  }
}

function paeth(left, above, corner) {
  const guess = left + above - corner;
  const [a, b, c] = [left, above, corner].map((value) => Math.abs(guess - value));
  if (a <= b && a <= c) return left;
  return b <= c ? above : corner;
}

function unpacked(rows, { width, height, depth, stride }) {
  const values = new Uint16Array(width * height);
  for (let y = 0; y < height; y++) {
    const start = y * (stride + 1) + 1;
    for (let x = 0; x < width; x++) {
      const bit = x * depth, byte = rows[start + (bit >> 3)];
      values[y * width + x] = depth === 16 ? byte * 256 + rows[start + (bit >> 3) + 1]
        : (byte >> (8 - depth - (bit & 7))) & ((1 << depth) - 1);
    }
  }
  return values;
}
