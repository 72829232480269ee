/** PNG files, exact to the bit: palettes and grey for label maps, RGB for pictures. */

const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];
const GREY = 0;
const RGB = 2;
const PALETTE = 3;
const CRCS = Uint32Array.from({ length: 256 }, (_, value) => {
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value >>> 0;
});

function crc(bytes) {
  let sum = 0xffffffff;
  for (const byte of bytes) sum = CRCS[(sum ^ byte) & 255] ^ (sum >>> 8);
  return ~sum >>> 0;
}

function chunk(name, data) {
  const bytes = new Uint8Array(12 + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  bytes.set(new TextEncoder().encode(name), 4);
  bytes.set(data, 8);
  view.setUint32(8 + data.length, crc(bytes.subarray(4, 8 + data.length)));
  return bytes;
}

/** zlib's format, as PNG has it. */
async function deflated(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

async function png(width, height, kind, depth, rows, palette = null) {
  const stride = rows.length / height;
  const filtered = new Uint8Array(height * (stride + 1)); // each row begins with its filter: none
  for (let y = 0; y < height; y++) filtered.set(rows.subarray(y * stride, (y + 1) * stride), y * (stride + 1) + 1);
  const head = new Uint8Array(13);
  const view = new DataView(head.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  head[8] = depth;
  head[9] = kind;
  const chunks = [chunk("IHDR", head)];
  if (palette) chunks.push(chunk("PLTE", palette));
  chunks.push(chunk("IDAT", await deflated(filtered)), chunk("IEND", new Uint8Array()));
  return new Blob([new Uint8Array(SIGNATURE), ...chunks], { type: "image/png" });
}

/** A label map with the ids of its classes as values, in the colours of the classes where these are below 256. */
export async function mapFile(width, height, labels, classes) {
  const most = Math.max(...classes.map(({ id }) => id));
  if (most < 256) {
    const palette = new Uint8Array(3 * (most + 1));
    for (const { id, colour } of classes) palette.set(colour, 3 * id);
    return png(width, height, PALETTE, 8, labels.map((label) => classes[label].id), palette);
  }
  const rows = new Uint8Array(2 * labels.length);
  labels.forEach((label, place) => new DataView(rows.buffer).setUint16(2 * place, classes[label].id));
  return png(width, height, GREY, 16, rows);
}

/** A picture of RGBA pixels, without their opacity. */
export async function pictureFile(width, height, pixels) {
  const rows = new Uint8Array(width * height * 3);
  for (let from = 0, to = 0; from < pixels.length; from += 4, to += 3) {
    rows[to] = pixels[from];
    rows[to + 1] = pixels[from + 1];
    rows[to + 2] = pixels[from + 2];
  }
  return png(width, height, RGB, 8, rows);
}
