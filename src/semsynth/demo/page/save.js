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
  /** finish(): ends an open stroke; labels(): the map; pictures(): a promise of its pictures, see `Pictures.newest`. */
  constructor(engine, { finish, labels, pictures, told, failed }) {
    Object.assign(this, { engine, finish, labels, pictures, told, failed });
    const acts = { map: ["map"], picture: ["picture"], recipe: ["recipe"], all: ["map", "picture", "recipe"] };
    for (const [name, parts] of Object.entries(acts)) {
      document.getElementById(`save-${name}`).addEventListener("click", () => this.save(parts));
    }
  }

  async save(parts) {
    try {
      this.finish();
      const files = await this.files(parts);
      for (const [blob, name] of files) download(blob, name);
      this.told(`Saved ${files.map(([, name]) => name).join(", ")}.`);
    } catch (error) {
      this.failed(error);
    }
  }

  /** [[Blob, name]]; what belongs together is taken at one moment. */
  async files(parts) {
    const { width, height, classes } = this.engine.description;
    const time = new Date().toISOString().slice(0, 19).replaceAll(":", "-");
    const map = async (labels) => [await mapFile(width, height, labels, classes), `map-${time}.png`];
    if (!parts.some((part) => part !== "map")) return [await map(this.labels())]; // without a picture, too
    const drawn = await this.drawn();
    const files = parts.includes("map") ? [await map(drawn[0].wish.labels)] : [];
    for (const [index, picture] of drawn.entries()) {
      const suffix = drawn.length > 1 ? `-${index + 1}` : "";
      const names = { map: `map-${time}.png`, picture: `picture${suffix}-${time}.png` };
      if (parts.includes("picture")) {
        files.push([await pictureFile(picture.width, picture.height, picture.pixels), names.picture]);
      }
      if (parts.includes("recipe")) {
        const text = await this.engine.recipe(index, picture.wish.style, names);
        files.push([new Blob([text], { type: "application/yaml" }), `recipe${suffix}-${time}.yaml`]);
      }
    }
    return files;
  }

  async drawn() {
    try {
      return await this.pictures();
    } catch (error) {
      throw new Error("Nothing was saved, since the map as it is could not be drawn; the map alone can be saved. " +
        error.message);
    }
  }
}
