// What networks read of a label map besides its classes: edges between instances, and where a pixel lies in its region.

const EPSILON = 1e-5; // added to the largest offset, so that a region of one pixel has offset 0

/** Float32Array (H*W): 1 where the id differs from that of the left, right, upper or lower pixel, else 0. */
export function instanceEdges(ids, height, width) {
  const edges = new Float32Array(height * width);
  for (let at = 0; at < edges.length; at++) {
    if (at % width && ids[at] !== ids[at - 1]) edges[at] = edges[at - 1] = 1;
    if (at >= width && ids[at] !== ids[at - width]) edges[at] = edges[at - width] = 1;
  }
  return edges;
}

/**
 * Offsets of CLADE-ICPE (arXiv:2012.04644), Float32Array (2*H*W) in [-1, 1]: the vertical ones, then the horizontal.
 *
 * `rule` is `icpe` of the file that comes with the network: `components` ("every" or "largest"), `skip_label`,
 * `published`.
 */
export function positionalOffsets(labels, height, width, rule) {
  const skipped = rule.published ? 0 : rule.skip_label;
  const largest = !rule.published && rule.components === "largest";
  const { region, parts } = components(labels, height, width);
  const measured = largest ? largestOfClass(parts) : parts;
  const offsets = new Float32Array(2 * labels.length);
  for (let at = 0; at < labels.length; at++) {
    const { row, column, down, across } = measured[region[at]];
    if (labels[at] === skipped) continue;
    offsets[at] = bounded((Math.floor(at / width) - row) * (1 / (down + EPSILON)), largest);
    offsets[labels.length + at] = bounded((at % width - column) * (1 / (across + EPSILON)), largest);
  }
  return offsets;
}

function bounded(value, clipped) {
  return clipped ? Math.min(1, Math.max(-1, value)) : value;
}

/** The 8-connected regions of equal label, in reading order: the region of each pixel, and what is known of each. */
export function components(labels, height, width) {
  const region = new Int32Array(labels.length).fill(-1), parts = [];
  const stack = new Int32Array(labels.length);
  for (let first = 0; first < labels.length; first++) {
    if (region[first] >= 0) continue;
    region[first] = parts.length;
    parts.push(measure(first, stack, { labels, region, height, width }));
  }
  return { region, parts };
}

function measure(first, stack, { labels, region, height, width }) {
  const label = labels[first], number = region[first];
  let area = 0, rows = 0, columns = 0, [top, left, bottom, right] = [height, width, 0, 0], size = 1;
  stack[0] = first;
  while (size) {
    const at = stack[--size], row = Math.floor(at / width), column = at % width;
    area++, rows += row, columns += column;
    top = Math.min(top, row), bottom = Math.max(bottom, row);
    left = Math.min(left, column), right = Math.max(right, column);
    for (let y = Math.max(0, row - 1); y <= Math.min(height - 1, row + 1); y++) {
      for (let x = Math.max(0, column - 1); x <= Math.min(width - 1, column + 1); x++) {
        const near = y * width + x;
        if (region[near] >= 0 || labels[near] !== label) continue;
        region[near] = number;
        stack[size++] = near;
      }
    }
  }
  const row = rows / area, column = columns / area;
  return { label, area, row, column, down: Math.max(row - top, bottom - row),
    across: Math.max(column - left, right - column) };
}

/** For each region the largest of its class, the first of equals. */
function largestOfClass(parts) {
  const best = new Map();
  for (const part of parts) if (!(best.get(part.label)?.area >= part.area)) best.set(part.label, part);
  return parts.map((part) => best.get(part.label));
}
