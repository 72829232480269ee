/** The recipe of a picture: YAML by which the command line draws it again with the run that the site was made of. */
import { toBase64, vectorOf } from "./style_vector.js";

export function recipe({ run, checkpoint, width, height, z_dim: zDim }, style, { map, picture }) {
  const words = zDim ? { codes: { vector: { shape: [1, zDim], data: toBase64(vectorOf(style, zDim)) } } } : null;
  const name = picture.replace(/\.png$/, "");
  return [
    "# Saved by the painting page. It draws the same picture again:",
    `#   python synthesize.py run=${run} input=${map} output=${name} redraw=${name.replace("picture", "recipe")}.yaml ` +
      `'size=[${height},${width}]'`,
    "version: 1",
    `checkpoint: ${checkpoint}`,
    `style: ${JSON.stringify(words)}`,
    "",
  ].join("\n");
}
