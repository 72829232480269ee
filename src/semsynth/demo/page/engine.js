/**
 * What the page draws with. The page knows nothing else of where pictures are made: this file names the engine, and a
 * page without a server is this folder with another engine.js. An engine module exports one function:
 *
 *   openEngine(told): Promise<Engine>    rejected with an Error whose message is shown to the reader;
 *                                        told(words): how far it is
 *
 * An Engine has these members. All that is refused rejects with an Error in words; `error.outdated` is true where a
 * newer call has taken the place of this one, which nobody needs to be told.
 *
 *   description: {
 *     key: string            painted maps are kept in the browser under this key: the same run, the same key
 *     width, height          of label maps and pictures, in pixels
 *     classes: [{name, colour: [r, g, b], id}]   at most 256; a label is an index here, `id` its value in files
 *     blank: number          the class that the eraser paints
 *     networks: [{           one, or two that draw the same map beside each other
 *       name: string
 *       styled: boolean      whether a label map has many pictures
 *       encodes: boolean     whether the style of a photograph can be taken
 *       regions: boolean     whether each class has a style of its own
 *       instances: boolean   whether each connected patch of a class (over edges) can have one, too
 *     }]
 *     starts: number         label maps to begin with
 *   }
 *   draw(network, labels, style): Promise<{width, height, pixels}>
 *       network: an index; labels: Uint8Array of width * height, rows from the top; pixels: Uint8ClampedArray, RGBA.
 *       Only the newest call for a network need be answered, see latest.js.
 *   encodeStyle(network, photo, labels): Promise<Style>       photo: a Blob; labels: where its classes are
 *   start(index): Promise<{name, labels}>
 *   startPhoto(index): Promise<Blob|null>   the photograph that belongs to it
 *   readMask(file): Promise<Uint8Array>     labels of an uploaded mask (a File), brought to width and height
 *   recipe(network, style, files): Promise<string>
 *       YAML that makes the picture again from the command line; files: {map, picture}, the names of what was saved.
 *
 * A Style is plain JSON, so that it can be kept and written into a recipe:
 *
 *   {seed: 7}                                  drawn from N(0, 1)
 *   {codes: {vector: {shape: [1, 256], data: "base64 of little-endian float32"}}}     as an encoder says it
 *   {between: [Style, Style], share: 0.3}      on the way from the first to the second: codes are
 *                                              line = a + share * (b - a), scaled so that their norm is
 *                                              |a| + share * (|b| - |a|)
 *   {base: Style, classes: {"3": Style}, instances: [{at: [row, column], class: 3, style: Style}]}
 *                                              some classes (by index) look as in other styles, and so do the patches
 *                                              at some pixels, which have the class that is said; either may be missing
 *
 * An engine may keep further members in what `encodeStyle` returns.
 */
export { openEngine } from "./engine_server.js";
