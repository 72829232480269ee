/** Label maps from files: ids, palette indices, or the colours of the classes. */
import { decoded } from "./photo.js";
import { pngIds } from "./png_ids.js";

const DONT_CARE = 255;

/** Labels (Uint8Array) of a File, brought to the size of the page by the nearest pixel. */
export async function readMask(file, { width, height, classes, unknown }) {
  const name = file.name;
  let mask;
  try {
    mask = await pngIds(new Uint8Array(await file.arrayBuffer()));
  } catch (error) {
    throw new Error(`${name}: ${error.message}.`);
  }
  const byId = new Map(classes.map(({ id }, label) => [id, label]));
  if (unknown !== null && !byId.has(DONT_CARE)) byId.set(DONT_CARE, unknown);
  const byColour = new Map(classes.map(({ colour }, label) => [packed(...colour), label]));
  const { labels, ...from } = mask ? ofIds(mask, byId, byColour) : ofColours(await decoded(file, name), byId, byColour);
  const wrong = labels.findIndex((label) => label === undefined);
  if (wrong >= 0) {
    throw new Error(`${name}: the value at row ${Math.floor(wrong / from.width)}, column ${wrong % from.width} is that ` +
      "of no class. A mask holds the ids of the classes, as grey values or palette indices, or their colours.");
  }
  return resized(labels, from, { width, height });
}

const packed = (red, green, blue) => (red << 16) | (green << 8) | blue;

function ofIds({ values, palette, width, height }, byId, byColour) {
  let labels = Array.from(values, (value) => byId.get(value));
  if (palette && labels.includes(undefined)) {
    labels = Array.from(values, (value) => byColour.get(packed(...palette.subarray(3 * value, 3 * value + 3))));
  }
  return { labels, width, height };
}

function ofColours({ data, width, height }, byId, byColour) {
  const places = Array.from({ length: width * height }, (_, place) => 4 * place);
  const grey = places.every((at) => data[at] === data[at + 1] && data[at] === data[at + 2]);
  const labels = places.map((at) => (grey ? byId.get(data[at]) : byColour.get(packed(...data.subarray(at, at + 3)))));
  return { labels, width, height };
}

/** The middle of each new pixel says which old one it shows, as Pillow does. */
function resized(labels, from, { width, height }) {
  const made = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    const row = Math.floor(((y + 0.5) * from.height) / height) * from.width;
    for (let x = 0; x < width; x++) made[y * width + x] = labels[row + Math.floor(((x + 0.5) * from.width) / width)];
  }
  return made;
}
