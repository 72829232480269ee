/** The page: brings the parts together. */
import { Choice, swatch } from "./choices.js";
import { openEngine } from "./engine.js";
import { History } from "./history.js";
import { Keys } from "./keys.js";
import { LabelMap } from "./labels.js";
import { remember, remembered } from "./memory.js";
import { Pictures } from "./pictures.js";
import { Saving } from "./save.js";
import { Starts } from "./starts.js";
import { Styles } from "./styles.js";
import { Pen, TOOLS } from "./tools.js";
import { MapView, scrollTogether, zoomed } from "./view.js";

const at = (id) => document.getElementById(id);

class Painting {
  constructor(engine, map, kept) {
    this.engine = engine;
    const { width, height, classes, blank, networks } = engine.description;
    this.blank = blank;
    this.map = map;
    this.view = new MapView(width, height, classes);
    this.pictures = new Pictures(engine, {
      shown: (network, image) => this.shown(network, image),
      failed: (error) => { this.drawingFailed = true; this.fail(error); } });
    const both = { told: (words) => this.tell(words), failed: (error) => this.fail(error) };
    this.styles = new Styles(engine, { ...both, map: () => this.map,
      changed: () => this.redraw(), chosen: () => this.keepState() });
    this.starts = new Starts(engine, { ...both, begin: (ids, words) => this.begin(ids, words),
      photograph: (file, labels) => this.styles.photograph("first", file, labels) });
    this.saving = new Saving(engine, { ...both, finish: () => this.pen.up(), labels: () => this.map.ids,
      pictures: () => this.pictures.newest() });
    this.pen = new Pen(this.view, this);
    this.tools = new Choice(at("tool-choice"), TOOLS.map(({ title, key, about }) => ({
      title, about, keys: key.toUpperCase() })), (index) => this.useTool(index));
    for (const [tool, can] of [["region", "regions"], ["instance", "instances"]]) {
      this.tools.buttons[TOOLS.findIndex(({ name }) => name === tool)].hidden = !networks.some((n) => n[can]);
    }
    this.palette = new Choice(at("palette"), classes.map(({ name, colour }) => ({
      title: name, mark: swatch(colour) })), (index) => this.useClass(index));
    this.sliders();
    this.stages = [this.view.stage, ...this.pictures.stages];
    scrollTogether(this.stages);
    for (const stage of this.stages) stage.style.setProperty("--aspect", `${width} / ${height}`);
    this.restore(kept || {});
    at("undo").addEventListener("click", () => this.go(-1));
    at("redo").addEventListener("click", () => this.go(1));
    this.bindKeys();
  }

  restore({ tool = "brush", label = 0, size = Math.max(2, this.map.width >> 4), zoom = 1, overlay = 0, style }) {
    this.styles.restore(style);
    this.history = new History(this.map.ids, this.styles.state);
    this.useTool(Math.max(0, TOOLS.findIndex(({ name }) => name === tool)));
    this.useClass(label < this.palette.buttons.length ? label : 0);
    this.slide("size", size);
    this.slide("zoom", zoom);
    this.slide("overlay", overlay);
    this.changed();
    this.showHistory();
    this.redraw();
  }

  // ---- what the pen says

  changed() {
    this.view.showMap(this.map);
  }

  finished() {
    if (this.map.equals(this.history.now.ids)) return;
    const styled = this.styles.own.names; // before the stroke
    this.keepState();
    this.redraw();
    const lost = styled.filter((name) => !this.styles.own.names.includes(name));
    if (lost.length) this.tell(`Painted over: ${lost.join(", ")}. Undo brings the style back.`);
  }

  /** What can be gone back to. */
  keepState() {
    this.history.add(this.map.ids, this.styles.state);
    this.showHistory();
  }

  pick(label) {
    this.useClass(label);
    this.tell(`${this.engine.description.classes[label].name} is painted now.`);
  }

  restyle(label) {
    this.styles.own.restyle(label);
  }

  restyleInstance(x, y) {
    this.styles.own.restyleInstance(x, y);
  }

  at(x, y) {
    at("here").textContent = `${x}, ${y}: ${this.engine.description.classes[this.map.at(x, y)].name}`;
  }

  // ---- what buttons and keys do

  begin(ids, words) {
    this.map.ids.set(ids);
    this.changed();
    this.finished();
    this.tell(words);
  }

  go(step) {
    const state = this.history.go(step);
    if (!state) return;
    this.map.ids.set(state.ids);
    this.changed();
    this.showHistory();
    this.styles.restore(state.style);
    this.redraw();
    this.tell(step < 0 ? "Undone." : "Done again.");
  }

  showHistory() {
    at("undo").disabled = !this.history.canUndo;
    at("redo").disabled = !this.history.canRedo;
  }

  useTool(index) {
    this.tool = TOOLS[index].name;
    this.tools.show(index);
    this.view.canvas.dataset.tool = this.tool;
    this.keep();
  }

  useClass(index) {
    this.label = index;
    this.palette.show(index);
    this.keep();
  }

  sliders() {
    at("size").max = Math.max(8, Math.min(this.map.width, this.map.height) >> 1);
    for (const name of ["size", "zoom", "overlay"]) {
      at(name).addEventListener("input", () => this.slide(name, Number(at(name).value)));
    }
  }

  slide(name, wish) {
    const input = at(name);
    const value = Math.min(Math.max(wish, Number(input.min)), Number(input.max));
    input.value = value;
    this[name] = value;
    at(`${name}-shown`).textContent = { size: `${value} px`, zoom: `${value}×`, overlay: `${value} %` }[name];
    if (name === "zoom") zoomed(this.stages, value);
    if (name === "overlay") this.view.overlay = value;
    this.keep();
  }

  bindKeys() {
    const classes = this.palette.buttons.length;
    const step = (by) => () => this.palette.choose((this.label + by + classes) % classes);
    const tools = TOOLS.map(({ key, title }, index) => ({
      keys: [key], words: title, act: () => { if (!this.tools.buttons[index].hidden) this.useTool(index); } }));
    const numbers = Array.from({ length: Math.min(9, classes) }, (_, k) => [`${k + 1}`, () => this.palette.choose(k)]);
    this.keys = new Keys([
      ...tools.filter((_, index) => !this.tools.buttons[index].hidden),
      { keys: ["Control+z"], words: "Undo", shown: "Ctrl Z", act: () => this.go(-1) },
      { keys: ["Control+Shift+z", "Control+y"], words: "Redo", shown: "Ctrl Shift Z", act: () => this.go(1) },
      { keys: ["["], words: "Smaller brush", act: () => this.slide("size", this.size - 1) },
      { keys: ["]"], words: "Larger brush", act: () => this.slide("size", this.size + 1) },
      { keys: ["-"], words: "Zoom out", act: () => this.slide("zoom", this.zoom - 1) },
      { keys: ["+", "="], words: "Zoom in", act: () => this.slide("zoom", this.zoom + 1) },
      { keys: [","], words: "Class before", act: step(-1) },
      { keys: ["."], words: "Class after", act: step(1) },
      ...numbers.slice(0, 1).map(([key, act]) => ({ keys: [key], words: "First class, and so on", shown: "1 … 9", act })),
      { keys: ["n"], words: "New style", act: () => this.styles.draw() },
      { keys: ["o"], words: "Picture over map", act: () => this.slide("overlay", this.overlay ? 0 : 50) },
      { keys: ["Control+s"], words: "Save all", shown: "Ctrl S", act: () => at("save-all").click() },
      { keys: ["?"], words: "These keys", act: () => at("help").showModal() },
    ], [
      { shown: "Arrows", words: "On the map: move the cursor; with Shift by eight pixels" },
      { shown: "Space", words: "On the map: use the tool at the cursor" },
      { shown: "D", words: "On the map: brush down, or up again" },
      { shown: "Right button", words: "On the map: erase" },
    ]);
    for (const [key, act] of numbers.slice(1)) this.keys.acts.set(key, act);
  }

  // ---- pictures, words, memory

  redraw() {
    if (!this.drawingFailed && at("status").classList.contains("failed")) this.tell(""); // of what was done before
    this.styles.own.show();
    this.pictures.draw(this.map.ids.slice(), (network) => this.styles.of(network));
    this.keep();
  }

  shown(network, image) {
    if (network === 0) this.view.showOver(image);
    if (this.drawingFailed) this.tell("The pictures are drawn again.");
    this.drawingFailed = false;
  }

  keep() {
    clearTimeout(this.keeping);
    this.keeping = setTimeout(() => this.keepNow(), 300);
  }

  keepNow() {
    const { map, tool, label, size, zoom, overlay } = this;
    remember(this.engine.description, { ids: map.ids, tool, label, size, zoom, overlay, style: this.styles.state });
  }

  tell(words) {
    at("status").textContent = words;
    at("status").classList.remove("failed");
  }

  fail(error) {
    at("status").textContent = error.message;
    at("status").classList.add("failed");
  }
}

async function open() {
  try {
    const engine = await openEngine((words) => { at("status").textContent = words; });
    const { width, height, classes, blank, networks, starts } = engine.description;
    at("title").textContent = `${networks.map(({ name }) => name).join(" and ")}, ${width}×${height}`;
    const kept = remembered(engine.description);
    const ids = kept ? kept.ids : starts ? (await engine.start(0)).labels : new Uint8Array(width * height).fill(blank);
    document.querySelector("main").hidden = false;
    at("status").textContent = kept ? "As it was left." : "Paint on the map: the picture follows.";
    const painting = new Painting(engine, new LabelMap(width, height, ids), kept);
    window.addEventListener("pagehide", () => painting.keepNow());
    document.body.dataset.ready = classes.length;
  } catch (error) {
    at("status").textContent = error.message;
    at("status").classList.add("failed");
  }
}

open();
