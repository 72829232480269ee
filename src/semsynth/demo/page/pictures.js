/** The pictures beside the map, one for each network, each the newest that there is. */
import { Latest } from "./latest.js";
import { show } from "./view.js";

export class Pictures {
  /** engine; shown(network, image): a picture has come; failed(error). */
  constructor(engine, { shown, failed }) {
    Object.assign(this, { engine, shown, failed, wishes: [], latest: [], waiting: [] });
    const place = document.getElementById("pictures");
    this.views = engine.description.networks.map(({ name }) => {
      const figure = Object.assign(document.createElement("figure"), { className: "view" });
      const stage = Object.assign(document.createElement("div"), { className: "stage" });
      const canvas = document.createElement("canvas");
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", `Picture that ${name} draws of the label map`);
      const caption = document.createElement("figcaption");
      const time = document.createElement("span");
      caption.append(engine.description.networks.length > 1 ? name : "Picture", " ", time);
      stage.append(canvas);
      figure.append(stage, caption);
      place.append(figure);
      return { stage, canvas, time };
    });
    this.requests = this.views.map((view, network) => new Latest(
      async (wish) => ({ wish, ...await engine.draw(network, wish.labels, wish.style) }),
      (drawn, milliseconds) => this.take(network, drawn, milliseconds),
      (error) => { this.failure = error; this.failed(error); this.rest(); },
    ));
  }

  get stages() {
    return this.views.map(({ stage }) => stage);
  }

  draw(labels, styleOf) {
    this.wishes = this.views.map((_, network) => ({ labels, style: styleOf(network) }));
    this.wishes.forEach((_, network) => this.ask(network));
  }

  ask(network) {
    this.views[network].stage.setAttribute("aria-busy", "true");
    this.requests[network].ask(this.wishes[network]);
  }

  take(network, drawn, milliseconds) {
    const { canvas, stage, time } = this.views[network];
    const image = new ImageData(drawn.pixels, drawn.width, drawn.height);
    this.latest[network] = drawn;
    show(canvas, image);
    this.shown(network, image);
    time.textContent = `in ${Math.round(milliseconds)} ms`;
    document.body.dataset.milliseconds = Math.round(milliseconds);
    queueMicrotask(() => {
      if (!this.requests[network].busy) stage.removeAttribute("aria-busy");
      this.rest();
    });
  }

  get busy() {
    return this.requests.some((request) => request.busy);
  }

  rest() {
    queueMicrotask(() => {
      if (this.busy) return;
      for (const resolve of this.waiting.splice(0)) resolve();
    });
  }

  isNewest(network) {
    return this.latest[network]?.wish === this.wishes[network];
  }

  /**
   * [{wish: {labels, style}, width, height, pixels}], a picture for each network, of the map as it is. What failed is
   * drawn again; rejected where it fails.
   */
  async newest() {
    if (!this.busy) this.wishes.forEach((_, network) => { if (!this.isNewest(network)) this.ask(network); });
    while (this.busy) await new Promise((resolve) => this.waiting.push(resolve));
    if (!this.wishes.every((_, network) => this.isNewest(network))) throw this.failure;
    return this.latest.slice();
  }
}
