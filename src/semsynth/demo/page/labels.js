/** Painting on label maps: integer classes, one a pixel, which nothing ever blends. */

export class LabelMap {
  constructor(width, height, ids = new Uint8Array(width * height)) {
    if (ids.length !== width * height) throw new Error(`A map of ${width}x${height} has no ${ids.length} pixels.`);
    this.width = width;
    this.height = height;
    this.ids = ids;
  }

  copy() {
    return new LabelMap(this.width, this.height, this.ids.slice());
  }

  at(x, y) {
    return this.ids[y * this.width + x];
  }

  equals(ids) {
    return ids.length === this.ids.length && ids.every((id, place) => id === this.ids[place]);
  }

  /** A disc of `size` pixels across; a square of one or two pixels is one, too. */
  dab(x, y, size, label) {
    const radius = size / 2;
    const shift = size % 2 ? 0 : 0.5; // an even disc has its middle between pixels
    const low = Math.ceil(-radius);
    for (let dy = low; dy <= radius; dy++) {
      for (let dx = low; dx <= radius; dx++) {
        const [u, v] = [x + dx, y + dy];
        const inside = (dx + shift) ** 2 + (dy + shift) ** 2 <= radius * radius;
        if (inside && u >= 0 && v >= 0 && u < this.width && v < this.height) this.ids[v * this.width + u] = label;
      }
    }
  }

  /** Dabs from one pixel to another. */
  line(x0, y0, x1, y1, size, label) {
    const steps = Math.max(Math.abs(x1 - x0), Math.abs(y1 - y0), 1);
    for (let step = 0; step <= steps; step++) {
      const share = step / steps;
      this.dab(Math.round(x0 + share * (x1 - x0)), Math.round(y0 + share * (y1 - y0)), size, label);
    }
  }

  /** The patch around a pixel becomes another class. */
  fill(x, y, label) {
    for (const place of this.patch(x, y)) this.ids[place] = label;
  }

  /** Places of the connected pixels (over edges) of one class around a pixel. */
  patch(x, y) {
    const first = y * this.width + x;
    const label = this.ids[first];
    const found = [first];
    const seen = new Uint8Array(this.ids.length);
    seen[first] = 1;
    for (let next = 0; next < found.length; next++) {
      for (const place of this.beside(found[next])) {
        if (seen[place] || this.ids[place] !== label) continue;
        seen[place] = 1;
        found.push(place);
      }
    }
    return found;
  }

  beside(place) {
    const column = place % this.width;
    const found = [];
    if (place >= this.width) found.push(place - this.width);
    if (place + this.width < this.ids.length) found.push(place + this.width);
    if (column > 0) found.push(place - 1);
    if (column < this.width - 1) found.push(place + 1);
    return found;
  }
}
