/** What one begins with: an empty map, one of a data set, an uploaded mask. */
import { LabelMap } from "./labels.js";
import { coloured, show } from "./view.js";

const SHOWN = 6; // maps at a time

export class Starts {
  /** engine; begin(labels, words): the map to go on with; photograph(file, labels): its style is taken; failed(error). */
  constructor(engine, { begin, photograph, failed }) {
    Object.assign(this, { engine, begin, photograph, failed, first: 0 });
    const { width, height, blank, starts } = engine.description;
    document.getElementById("blank").addEventListener("click", () => {
      this.begin(new Uint8Array(width * height).fill(blank), "An empty map.");
    });
    const mask = document.getElementById("mask");
    mask.addEventListener("change", () => {
      if (mask.files.length) this.upload(mask.files[0]);
      mask.value = "";
    });
    this.place = document.getElementById("starts");
    const more = document.getElementById("starts-more");
    more.hidden = starts <= SHOWN;
    more.addEventListener("click", () => {
      this.first = (this.first + SHOWN) % starts;
      this.offer();
    });
    this.offer();
  }

  async upload(file) {
    try {
      this.begin(await this.engine.readMask(file), `${file.name} is the map now.`);
    } catch (error) {
      this.failed(error);
    }
  }

  /** The next few maps of the data set, each with its photograph's style. */
  async offer() {
    const { width, height, classes, networks, starts } = this.engine.description;
    const numbers = Array.from({ length: Math.min(SHOWN, starts) }, (_, k) => (this.first + k) % starts);
    this.place.replaceChildren();
    const encodes = networks.some((network) => network.encodes);
    for (const number of numbers) {
      try {
        const { name, labels } = await this.engine.start(number);
        if (!numbers.includes(number) || this.first !== numbers[0]) return; // others were asked for meanwhile
        const map = document.createElement("button");
        map.type = "button";
        map.setAttribute("aria-label", `Map ${number + 1} of the data set, ${name}`);
        const canvas = document.createElement("canvas");
        show(canvas, coloured(new LabelMap(width, height, labels), classes));
        map.append(canvas);
        map.addEventListener("click", () => this.begin(labels.slice(), `The map is ${name} now.`));
        const offered = Object.assign(document.createElement("div"), { className: "start" });
        offered.append(map);
        if (encodes) offered.append(this.styleButton(number, name, labels));
        this.place.append(offered);
      } catch (error) {
        this.failed(error);
        return;
      }
    }
  }

  styleButton(number, name, labels) {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: "Its style" });
    button.title = "take the style of the photograph of this map";
    button.setAttribute("aria-label", `Take the style of the photograph of ${name}`);
    button.addEventListener("click", async () => {
      try {
        const photo = await this.engine.startPhoto(number);
        this.photograph(new File([photo], `photograph of ${name}`), labels);
      } catch (error) {
        this.failed(error);
      }
    });
    return button;
  }
}
