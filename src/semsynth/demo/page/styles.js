/** The styles that pictures are drawn in, and the panel that chooses them; see engine.js for what a style is. */
import { Own } from "./own_styles.js";
import { drawn, SEEDS } from "./seeds.js";

export class Styles {
  /**
   * engine, and changed(): another style holds; chosen(): it stays, until the next; map(): the LabelMap now;
   * told(words) and failed(error). `state` is never changed, but replaced.
   */
  constructor(engine, { changed, chosen, map, told, failed }) {
    Object.assign(this, { engine, changed, chosen, map, told, failed });
    this.networks = engine.description.networks;
    this.classes = engine.description.classes;
    this.state = { first: drawn(this.networks, 0), second: null, share: 0.5, regions: {}, instances: [] };
    this.styled = this.networks.some(({ styled }) => styled);
    this.own = new Own(this);
    document.getElementById("styles").hidden = !this.styled;
    this.build();
  }

  restore(state) {
    const fits = (choice) => choice === null || choice.of.length === this.networks.length;
    if (state && fits(state.first) && fits(state.second)) this.state = { ...this.state, ...state };
    this.show();
  }

  /** What a network draws in; null for one without styles. */
  of(network) {
    const { first, second, share } = this.state;
    if (!this.networks[network].styled) return null;
    const base = second ? { between: [first.of[network], second.of[network]], share } : first.of[network];
    return this.own.over(base, network);
  }

  set(change) {
    this.slide(change);
    this.chosen();
  }

  /** As set, on the way. */
  slide(change) {
    this.state = { ...this.state, ...change };
    this.show();
    this.changed();
  }

  draw(which = "first", seed = undefined) {
    if (this.styled) this.set({ [which]: drawn(this.networks, seed) });
  }

  /** labels: where the photograph's classes are; those of the map that is painted, unless said. */
  async photograph(which, file, labels = this.map().ids.slice()) {
    try {
      const before = (this.state[which] || this.state.first).of;
      const of = await Promise.all(this.networks.map(({ encodes }, network) => (
        encodes ? this.engine.encodeStyle(network, file, labels) : before[network])));
      const name = file.name || "photograph";
      this.set({ [which]: { name, of } });
      this.told(`${name} is the ${which === "second" ? "second style" : "style"} now.`);
    } catch (error) {
      this.failed(error);
    }
  }

  build() {
    const rows = document.getElementById("style-rows");
    this.rows = ["first", "second"].map((which) => this.row(rows, which));
    const mix = document.createElement("label");
    this.slider = Object.assign(document.createElement("input"), { type: "range", min: 0, max: 1, step: 0.02 });
    this.slider.id = "share";
    this.slider.addEventListener("input", () => this.slide({ share: Number(this.slider.value) }));
    this.slider.addEventListener("change", () => this.chosen());
    mix.append("From the first to the second ", this.slider);
    rows.append(mix);
    this.mix = mix;
    this.show();
  }

  row(rows, which) {
    const row = Object.assign(document.createElement("div"), { className: "row style" });
    const button = (id, words, act) => {
      const made = Object.assign(document.createElement("button"), { type: "button", id: `${which}-${id}` });
      made.textContent = words;
      made.addEventListener("click", act);
      row.append(made);
      return made;
    };
    const first = which === "first";
    const fresh = button("new", first ? "New style" : "Mix with another", () => this.draw(which));
    if (first) fresh.setAttribute("aria-keyshortcuts", "N");
    const seed = Object.assign(document.createElement("input"), {
      type: "number", id: `${which}-seed`, min: 0, max: SEEDS, step: 1, inputMode: "numeric" });
    seed.addEventListener("change", () => {
      const value = Math.min(Math.max(Math.round(Number(seed.value)) || 0, 0), SEEDS);
      this.draw(which, value);
    });
    const label = document.createElement("label");
    label.append("Seed ", seed);
    row.append(label);
    const file = Object.assign(document.createElement("input"), {
      type: "file", id: `${which}-photo`, accept: "image/jpeg,image/png,image/webp,image/bmp" });
    file.addEventListener("change", () => {
      if (file.files.length) this.photograph(which, file.files[0]);
      file.value = "";
    });
    const photo = Object.assign(document.createElement("label"), { className: "file button" });
    photo.append("Of a photograph … ", file);
    photo.hidden = !this.networks.some(({ encodes }) => encodes);
    row.append(photo);
    const name = Object.assign(document.createElement("span"), { className: "name" });
    row.append(name);
    const remove = first ? null : button("remove", "Remove", () => this.set({ second: null }));
    rows.append(row);
    return { which, seed, label, photo, name, remove };
  }

  show() {
    for (const { which, seed, label, photo, name, remove } of this.rows) {
      const choice = this.state[which];
      seed.value = choice && choice.seed !== undefined ? choice.seed : "";
      name.textContent = choice && choice.seed === undefined ? choice.name : "";
      label.hidden = !choice;
      if (remove) remove.hidden = !choice;
      if (which === "second") photo.hidden = !choice || !this.networks.some(({ encodes }) => encodes);
    }
    this.mix.hidden = !this.state.second;
    this.slider.value = this.state.share;
  }
}
