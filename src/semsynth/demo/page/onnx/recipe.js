/** The recipe of a picture: YAML by which the command line draws it again with the run that the site was made of. */
import { toBase64, vectorOf } from "./style_vector.js";

export function recipe(about, style, { map, picture }) {
  const { run, checkpoint, checkpoint_file: file, weights, width, height, z_dim: zDim } = about;
  const words = zDim ? { codes: { vector: { shape: [1, zDim], data: toBase64(vectorOf(style, zDim)) } } } : null;
  const name = picture.replace(/\.png$/, "");
  const command = ["python", "synthesize.py", `run=${run}`, `input=${map}`, `output=${name}`,
    `redraw=${name.replace("picture", "recipe")}.yaml`, `size=[${height},${width}]`, `checkpoint=${file}`,
    `weights=${weights}`];
  return [
    "# Saved by the painting page. It draws the same picture again, with the run that the page was made of (run=):",
    `#   ${command.map(quoted).join(" ")}`,
    "version: 1",
    `checkpoint: ${checkpoint}`,
    `style: ${JSON.stringify(words)}`,
    "",
  ].join("\n");
}

/** A word as a POSIX shell takes it. */
const quoted = (word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`);
