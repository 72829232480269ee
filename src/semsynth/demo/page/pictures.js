/** The pictures beside the map, one for each network, each the newest that there is. */
import { Latest } from "./latest.js";
import { show } from "./view.js";

export class Pictures {
  /** engine; shown(network, image): a picture has come; failed(error). */
  constructor(engine, { shown, failed }) {
    Object.assign(this, { engine, shown, failed, latest: [], waiting: [] });
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
      ({ labels, style }) => engine.draw(network, labels, style),
      (drawn, milliseconds) => this.take(network, drawn, milliseconds),
      (error) => { this.failed(error); this.rest(); },
    ));
  }

  get stages() {
    return this.views.map(({ stage }) => stage);
  }

  draw(labels, styleOf) {
    this.requests.forEach((request, network) => {
      this.views[network].stage.setAttribute("aria-busy", "true");
      request.ask({ labels, style: styleOf(network) });
    });
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

  rest() {
    queueMicrotask(() => {
      if (this.requests.some((request) => request.busy)) return;
      for (const resolve of this.waiting.splice(0)) resolve();
    });
  }

  /** Until every picture shows the map as it is. */
  settled() {
    if (!this.requests.some((request) => request.busy)) return Promise.resolve();
    return new Promise((resolve) => this.waiting.push(resolve));
  }
}
