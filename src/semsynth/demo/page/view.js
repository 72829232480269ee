/** Shows label maps, pictures and the cursor on canvases. Classes are never read back from colours. */

const SHOWN = 512; // CSS pixels of the longer side at zoom 1, where there is room

/** A label map in the colours of its classes. */
export function coloured(map, classes) {
  const image = new ImageData(map.width, map.height);
  const words = new Uint32Array(image.data.buffer);
  const little = classes.map(({ colour: [r, g, b] }) => ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0);
  map.ids.forEach((label, place) => { words[place] = little[label]; });
  return image;
}

export function show(canvas, image) {
  if (canvas.width !== image.width || canvas.height !== image.height) {
    canvas.width = image.width;
    canvas.height = image.height;
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

/** The map, the picture over it, and the cursor. */
export class MapView {
  constructor(width, height, classes) {
    Object.assign(this, { width, height, classes });
    this.stage = document.getElementById("map-stage");
    this.canvas = document.getElementById("map");
    this.over = document.getElementById("over");
    this.cursor = document.getElementById("cursor");
    for (const canvas of [this.canvas, this.over, this.cursor]) Object.assign(canvas, { width, height });
    const factor = Math.max(1, Math.round(SHOWN / Math.max(width, height)));
    Object.assign(this.cursor, { width: width * factor, height: height * factor });
    this.factor = factor;
  }

  showMap(map) {
    show(this.canvas, coloured(map, this.classes));
  }

  showOver(picture) {
    show(this.over, picture);
  }

  set overlay(percent) {
    this.over.style.opacity = percent / 100;
  }

  /** The pixel of the map under a pointer. */
  pixel(event) {
    const box = this.canvas.getBoundingClientRect();
    return [Math.floor(((event.clientX - box.left) / box.width) * this.width),
      Math.floor(((event.clientY - box.top) / box.height) * this.height)];
  }

  /** The outline of what the tool would change: a disc of so many pixels; null hides it. */
  showCursor(place, size = 1, down = false) {
    const context = this.cursor.getContext("2d");
    const { factor } = this;
    context.clearRect(0, 0, this.cursor.width, this.cursor.height);
    if (!place) return;
    const middle = size % 2 ? 0.5 : 0;
    const [x, y] = place.map((value) => (value + middle) * factor);
    const around = (radius, colour, width) => {
      context.beginPath();
      context.arc(x, y, radius, 0, 2 * Math.PI);
      context.lineWidth = width;
      context.strokeStyle = colour;
      context.stroke();
    };
    const radius = Math.max((size * factor) / 2, 3);
    around(radius, "#000", down ? 5 : 3); // visible on every class
    around(radius, "#fff", down ? 3 : 1);
  }
}

/** All stages have one size and look at the same part. */
export function zoomed(stages, zoom) {
  for (const stage of stages) stage.style.setProperty("--zoom", zoom);
}

export function scrollTogether(stages) {
  let leader = null;
  for (const stage of stages) {
    stage.addEventListener("scroll", () => {
      if (leader && leader !== stage) return;
      leader = stage;
      for (const other of stages) {
        if (other !== stage) other.scrollTo(stage.scrollLeft, stage.scrollTop);
      }
      requestAnimationFrame(() => { leader = null; });
    });
  }
}
