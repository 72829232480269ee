/** Label maps from files, read as `mask_decoder` of semsynth.synthesis.maps reads them. */
import { decoded } from "./photo.js";
import { pngIds } from "./png_ids.js";

const DONT_CARE = 255;

/**
 * Labels (Uint8Array) of a File, brought to the size of the page by the nearest pixel. Where `masks` is "colours" these
 * tell the classes; otherwise ids do, as grey values or palette indices, and colours where a file holds nothing else.
 */
export async function readMask(file, { width, height, classes, unknown, masks }) {
  const name = file.name;
  let mask;
  try {
    const bytes = new Uint8Array(await file.arrayBuffer());
    refuseLossy(bytes);
    mask = await pngIds(bytes);
  } catch (error) {
    throw new Error(`${name}: ${error.message}.`);
  }
  const pixels = mask ? numbered(mask) : coloured(opaque(await decoded(file, name), name));
  const byColours = masks === "colours";
  let labels = byColours || !pixels.ids ? ofColours(pixels, classes) : ofIds(pixels, classes, unknown);
  if (!byColours && mask && mask.palette && labels.includes(undefined)) labels = ofColours(pixels, classes);
  const wrong = labels.findIndex((label) => label === undefined);
  if (wrong >= 0) {
    const row = Math.floor(wrong / pixels.width), column = wrong % pixels.width;
    const value = pixels.ids && !byColours ? `id ${pixels.ids[wrong]}` : `colour ${unpacked(pixels.colour(wrong))}`;
    throw new Error(`${name}: the ${value} at row ${row}, column ${column} is that of no class. A mask ` + (byColours
      ? "of this network holds the colours of the classes: a map that this page saves has them."
      : `holds the ids of the classes (${listed(classes)}), as grey values or palette indices, or their colours: a map ` +
        "that this page saves has both."));
  }
  if (byColours) refuseShared(labels, classes, name);
  return resized(labels, pixels, { width, height });
}

/** Formats that change values of pixels. */
function refuseLossy(bytes) {
  const word = (at) => String.fromCharCode(...bytes.subarray(at, at + 4));
  const jpeg = bytes[0] === 0xff && bytes[1] === 0xd8;
  if (!jpeg && !(word(0) === "RIFF" && word(8) === "WEBP")) return;
  let lossy = jpeg;
  for (let at = 12; !lossy && at + 8 <= bytes.length;) {
    lossy = word(at) === "VP8 ";
    at += 8 + 2 * Math.ceil(new DataView(bytes.buffer, bytes.byteOffset + at + 4).getUint32(0, true) / 2);
  }
  if (lossy) throw new Error(`${jpeg ? "JPEG" : "this WebP"} changes the values of pixels: save the mask as PNG`);
}

/** A picture that shows all of its pixels: browsers lose the values of those that are transparent. */
function opaque(image, name) {
  for (let at = 3; at < image.data.length; at += 4) {
    if (image.data[at] < 255) throw new Error(`${name}: parts of it are transparent: save the mask without transparency.`);
  }
  return image;
}

const unpacked = (colour) => (colour === null ? "of no class" : [colour >> 16, (colour >> 8) & 255, colour & 255].join(", "));

/** The ids in words. */
function listed(classes) {
  const ids = classes.map(({ id }) => id).sort((a, b) => a - b);
  const together = ids.every((id, k) => id === ids[0] + k);
  return together ? `${ids[0]} to ${ids.at(-1)}` : ids.length <= 24 ? ids.join(", ") : `from ${ids[0]} to ${ids.at(-1)}`;
}

const packed = (red, green, blue) => (red << 16) | (green << 8) | blue;

/** Both kinds of pixels: {width, height, ids: numbers or null, colour(place): packed}. */
function numbered({ values, palette, width, height }) {
  const colour = (place) => {
    const value = values[place];
    if (palette) return packed(...palette.subarray(3 * value, 3 * value + 3));
    return value <= 255 ? packed(value, value, value) : null;
  };
  return { width, height, ids: values, colour };
}

function coloured({ data, width, height }) {
  const places = Array.from({ length: width * height }, (_, place) => 4 * place);
  const grey = places.every((at) => data[at] === data[at + 1] && data[at] === data[at + 2]);
  const colour = (place) => packed(data[4 * place], data[4 * place + 1], data[4 * place + 2]);
  return { width, height, ids: grey ? places.map((at) => data[at]) : null, colour };
}

function ofIds({ ids }, classes, unknown) {
  const byId = new Map(classes.map(({ id }, label) => [id, label]));
  if (unknown !== null && !byId.has(DONT_CARE)) byId.set(DONT_CARE, unknown);
  return Array.from(ids, (id) => byId.get(id));
}

/** A colour that several classes share is the first of them. */
function ofColours({ width, height, colour }, classes) {
  const byColour = new Map(classes.map((one, label) => [packed(...one.colour), label]).reverse());
  return Array.from({ length: width * height }, (_, place) => byColour.get(colour(place)));
}

/** Colours that shall tell the classes must do so. */
function refuseShared(labels, classes, name) {
  for (const label of new Set(labels)) {
    const { name: first, colour } = classes[label];
    const other = classes.find((one, k) => k !== label && packed(...one.colour) === packed(...colour));
    if (other) {
      throw new Error(`${name}: the classes ${first} and ${other.name} have the same colour ${colour.join(", ")}, so ` +
        "that colours cannot tell them apart.");
    }
  }
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
