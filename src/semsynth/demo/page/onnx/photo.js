/** Photographs as networks see them, and what networks draw as pixels. */
import { resizeBicubic } from "./resize.js";

const MOST = 50e6; // pixels

/** What the browser makes of a picture file: {width, height, data} with RGBA, colours as they stand in the file. */
export async function decoded(blob, name) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(blob, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  } catch {
    throw new Error(`${name} cannot be read as a picture.`);
  }
  const { width, height } = bitmap;
  if (width * height > MOST) throw new Error(`${name} has ${width}×${height} pixels, more than are taken: scale it down.`);
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return context.getImageData(0, 0, width, height);
}

/** A photograph (Blob) resized to [height, width] -> Float32Array (3*height*width) in [-1, 1], transparency on white. */
export async function photograph(blob, [height, width]) {
  const { data, ...from } = await decodedOn(blob);
  const rgb = resizeBicubic(data, [from.height, from.width], [height, width]);
  const places = height * width;
  const planes = new Float32Array(3 * places);
  for (let at = 0; at < rgb.length; at++) planes[(at % 3) * places + Math.floor(at / 3)] = rgb[at] / 127.5 - 1;
  return planes;
}

async function decodedOn(blob) {
  const { width, height, data } = await decoded(blob, blob.name || "The photograph");
  const rgb = new Uint8ClampedArray(width * height * 3);
  for (let from = 0, to = 0; from < data.length; from += 4) {
    const share = data[from + 3] / 255;
    for (let channel = 0; channel < 3; channel++) rgb[to++] = data[from + channel] * share + 255 * (1 - share);
  }
  return { width, height, data: rgb };
}

/** An image (3*height*width) in [-1, 1] -> RGBA bytes, rounded as the command line rounds them. */
export function asPixels(image) {
  const places = image.length / 3;
  const pixels = new Uint8ClampedArray(4 * places).fill(255);
  for (let channel = 0; channel < 3; channel++) {
    for (let place = 0; place < places; place++) {
      const value = Math.fround(Math.min(1, Math.max(-1, image[channel * places + place])) + 1);
      pixels[4 * place + channel] = Math.fround(value * 127.5); // rounded half to even when stored
    }
  }
  return pixels;
}
