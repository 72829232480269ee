/** Styles of their own: of classes, and of single patches of a class; see engine.js. */
import { drawn } from "./seeds.js";

export class Own {
  /** styles: whose `state` has `regions`, {label: choice}, and `instances`, [{at: [row, column], label, choice}]. */
  constructor(styles) {
    Object.assign(this, { styles, line: document.getElementById("region-style") });
    this.able = { regions: styles.networks.some((n) => n.regions), instances: styles.networks.some((n) => n.instances) };
  }

  /** The style of a network with those of classes and patches over it. */
  over(base, network) {
    const { regions, instances } = this.styles.networks[network];
    const classes = Object.entries(this.styles.state.regions).map(([label, choice]) => [label, choice.of[network]]);
    const patches = this.shown.map(({ at, label, choice }) => ({ at, class: label, style: choice.of[network] }));
    const style = { base };
    if (regions && classes.length) style.classes = Object.fromEntries(classes);
    if (instances && patches.length) style.instances = patches;
    return Object.keys(style).length > 1 ? style : base;
  }

  /**
   * Of the patches with a style those that the map shows: what was painted over may come back, and of several in one
   * patch the last holds.
   */
  get shown() {
    const map = this.styles.map();
    const taken = new Set();
    const newest = [...this.styles.state.instances].reverse();
    return newest.filter(({ at: [row, column], label }) => {
      const place = row * map.width + column;
      if (map.ids[place] !== label || taken.has(place)) return false;
      for (const one of map.patch(column, row)) taken.add(one);
      return true;
    }).reverse();
  }

  /** The class looks as in another style from now on. */
  restyle(label) {
    if (!this.able.regions) return;
    const { styles } = this;
    styles.set({ regions: { ...styles.state.regions, [label]: drawn(styles.networks) } });
    styles.told(`${styles.classes[label].name} has a style of its own.`);
  }

  /** The patch around a pixel looks as in another style from now on. */
  restyleInstance(x, y) {
    if (!this.able.instances) return;
    const { styles } = this;
    const map = styles.map();
    const label = map.at(x, y);
    const patch = new Set(map.patch(x, y));
    const others = styles.state.instances.filter(({ at: [row, column], label: of }) => (
      of !== label || !patch.has(row * map.width + column)));
    styles.set({ instances: [...others, { at: [y, x], label, choice: drawn(styles.networks) }] });
    styles.told(`This ${styles.classes[label].name} has a style of its own.`);
  }

  show() {
    const { regions, instances } = this.styles.state;
    const shown = this.shown;
    this.names = shown.map(({ at: [row, column], label }) => `${this.nameOf(label)} at ${column}, ${row}`);
    const own = Object.keys(regions);
    this.line.hidden = !this.able.regions;
    const hint = `The tool Region style changes one class${this.able.instances ? ", Instance style one patch of it" : ""}.`;
    this.line.replaceChildren(own.length + shown.length ? "Styles of their own: " : hint);
    for (const label of own) {
      const { [label]: _, ...rest } = regions;
      this.chip(this.nameOf(label), { regions: rest });
    }
    shown.forEach((one, k) => this.chip(this.names[k], { instances: instances.filter((other) => other !== one) }));
  }

  nameOf(label) {
    return this.styles.classes[label].name;
  }

  /** A button that takes a style away again. */
  chip(name, without) {
    const back = Object.assign(document.createElement("button"), { type: "button" });
    back.textContent = `${name} ×`;
    back.setAttribute("aria-label", `${name}: back to the style of the picture`);
    back.addEventListener("click", () => {
      this.styles.set(without);
      this.styles.told(`${name} looks as the rest of the picture.`);
      (this.line.querySelector("button") || this.line).focus();
    });
    this.line.append(back, " ");
  }
}
