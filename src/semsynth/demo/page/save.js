/** Saves the map, the picture and the recipe as files. */
import { mapFile, pictureFile } from "./png.js";

function download(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

export class Saving {
  /** engine; labels(), picture(network), style(network): what is shown; settled(): a promise that it is the newest. */
  constructor(engine, { labels, picture, style, settled, told, failed }) {
    Object.assign(this, { engine, labels, picture, style, settled, told, failed });
    const acts = { map: ["map"], picture: ["picture"], recipe: ["recipe"], all: ["map", "picture", "recipe"] };
    for (const [name, parts] of Object.entries(acts)) {
      document.getElementById(`save-${name}`).addEventListener("click", () => this.save(parts));
    }
  }

  async save(parts) {
    try {
      await this.settled();
      const { width, height, classes, networks } = this.engine.description;
      const time = new Date().toISOString().slice(0, 19).replaceAll(":", "-");
      const files = [];
      if (parts.includes("map")) {
        files.push([await mapFile(width, height, this.labels(), classes), `map-${time}.png`]);
      }
      for (const index of networks.keys()) {
        const suffix = networks.length > 1 ? `-${index + 1}` : "";
        const names = { map: `map-${time}.png`, picture: `picture${suffix}-${time}.png` };
        if (parts.includes("picture")) {
          const drawn = this.picture(index);
          files.push([await pictureFile(drawn.width, drawn.height, drawn.pixels), names.picture]);
        }
        if (parts.includes("recipe")) {
          const text = await this.engine.recipe(index, this.style(index), names);
          files.push([new Blob([text], { type: "application/yaml" }), `recipe${suffix}-${time}.yaml`]);
        }
      }
      for (const [blob, name] of files) download(blob, name);
      this.told(`Saved ${files.map(([, name]) => name).join(", ")}.`);
    } catch (error) {
      this.failed(error);
    }
  }
}
