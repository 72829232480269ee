/** What a generator's program takes; `about` is model/about.json. */
import { instanceEdges, positionalOffsets } from "./regions.js";
import { vectorOf } from "./style_vector.js";

/** {name: {type, values, shape}} of a label map in a style; instances are the regions of one class. */
export function inputsOf(about, labels, style) {
  const { height, width, z_dim: zDim, edges, icpe } = about;
  const inputs = { labels: { type: "int32", values: Int32Array.from(labels), shape: [1, height, width] } };
  if (zDim) inputs.z = floats(vectorOf(style, zDim), zDim);
  if (edges) inputs.edges = floats(instanceEdges(labels, height, width), 1, height, width);
  if (icpe) inputs.offsets = floats(positionalOffsets(labels, height, width, icpe), 2, height, width);
  return inputs;
}

export const floats = (values, ...shape) => ({ type: "float32", values, shape: [1, ...shape] });
