/** What pointers and keys do on the map: each tool is what happens where it goes down, moves and is lifted. */

export const TOOLS = [
  { name: "brush", title: "Brush", key: "b" },
  { name: "line", title: "Line", key: "l" },
  { name: "fill", title: "Fill", key: "f" },
  { name: "eraser", title: "Eraser", key: "e" },
  { name: "pick", title: "Pick", key: "i", about: "takes the class under the cursor" },
  { name: "region", title: "Region style", key: "r", about: "another style for the class that is clicked" },
  { name: "instance", title: "Instance style", key: "t", about: "another style for the one patch that is clicked" },
  { name: "move", title: "Move", key: "m", about: "scrolls a map that is zoomed" },
];
const STEP = 8; // pixels of an arrow key with Shift
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/**
 * Paints on `painting.map`. `painting` has map, tool, size, label, blank and is told of
 * changed() while a stroke goes on, finished() after it, pick(label), restyle(label) and restyleInstance(x, y).
 */
export class Pen {
  constructor(view, painting) {
    Object.assign(this, { view, painting, from: null, last: null, erasing: false, base: null, held: false });
    this.keyboard = [view.width >> 1, view.height >> 1];
    const { canvas } = view;
    canvas.addEventListener("pointerdown", (event) => this.pointerDown(event));
    canvas.addEventListener("pointermove", (event) => this.pointerMove(event));
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => this.up());
    canvas.addEventListener("pointerleave", () => { if (!this.from) this.view.showCursor(null); });
    canvas.addEventListener("contextmenu", (event) => event.preventDefault());
    canvas.addEventListener("keydown", (event) => this.key(event));
    canvas.addEventListener("focus", () => { if (canvas.matches(":focus-visible")) this.showKeyboard(); });
    canvas.addEventListener("blur", () => { this.up(); this.view.showCursor(null); });
  }

  get tool() {
    return this.erasing ? "eraser" : this.painting.tool;
  }

  get label() {
    return this.tool === "eraser" ? this.painting.blank : this.painting.label;
  }

  pointerDown(event) {
    if (this.tool === "move" || this.from) return;
    event.preventDefault();
    this.view.canvas.focus({ preventScroll: true });
    this.view.canvas.setPointerCapture(event.pointerId);
    this.erasing = event.button === 2 || event.buttons === 32;
    this.down(...this.view.pixel(event));
  }

  pointerMove(event) {
    if (this.tool === "move") return;
    const places = this.from && event.getCoalescedEvents ? event.getCoalescedEvents() : [event];
    for (const place of places.length ? places : [event]) {
      const [x, y] = this.view.pixel(place);
      if (this.from) this.moved(x, y);
    }
    const [x, y] = this.view.pixel(event);
    this.view.showCursor([x, y], this.shownSize, this.from !== null);
    if (this.inside(x, y)) this.painting.at(x, y);
  }

  get shownSize() {
    return ["brush", "line", "eraser"].includes(this.tool) ? this.painting.size : 1;
  }

  inside(x, y) {
    return x >= 0 && y >= 0 && x < this.view.width && y < this.view.height;
  }

  down(x, y) {
    const { map, size } = this.painting;
    this.from = this.last = [x, y];
    if (["pick", "region", "instance", "fill"].includes(this.tool)) {
      if (this.inside(x, y)) {
        if (this.tool === "pick") this.painting.pick(map.at(x, y));
        if (this.tool === "region") this.painting.restyle(map.at(x, y));
        if (this.tool === "instance") this.painting.restyleInstance(x, y);
        if (this.tool === "fill") map.fill(x, y, this.label);
      }
    } else {
      this.base = map.ids.slice();
      map.dab(x, y, size, this.label);
    }
    this.painting.changed();
  }

  moved(x, y) {
    const { map, size } = this.painting;
    if (this.tool === "line") map.ids.set(this.base); // the line so far was for show
    const [u, v] = this.tool === "line" ? this.from : this.last;
    if (["brush", "eraser", "line"].includes(this.tool)) map.line(u, v, x, y, size, this.label);
    this.last = [x, y];
    this.painting.changed();
  }

  up() {
    if (!this.from) return;
    this.from = this.last = this.base = null;
    this.erasing = this.held = false;
    this.painting.finished();
  }

  showKeyboard() {
    this.view.showCursor(this.keyboard, this.shownSize, this.from !== null);
    this.painting.at(...this.keyboard);
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const arrow = ARROWS[event.key];
    if (arrow) {
      const step = event.shiftKey ? STEP : 1;
      const [x, y] = this.keyboard;
      this.keyboard = [Math.min(Math.max(x + step * arrow[0], 0), this.view.width - 1),
        Math.min(Math.max(y + step * arrow[1], 0), this.view.height - 1)];
      if (this.from) this.moved(...this.keyboard);
    } else if (event.key === " " || event.key === "Enter") {
      if (event.repeat) return event.preventDefault();
      // a line has two ends; all else is done at once
      if (this.from) this.up();
      else {
        this.down(...this.keyboard);
        if (this.tool !== "line") this.up();
      }
    } else if (event.key.toLowerCase() === "d") {
      if (this.from) this.up();
      else this.down(...this.keyboard);
    } else if (event.key === "Escape" && this.from && this.base) {
      this.painting.map.ids.set(this.base);
      this.painting.changed();
      this.up();
    } else return;
    event.preventDefault();
    event.stopPropagation();
    this.showKeyboard();
  }
}
