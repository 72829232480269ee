/** What was painted and in which styles, to go back and forth: whole maps, which are small. */

const MOST_BYTES = 32 * 2 ** 20;

export class History {
  constructor(ids, style) {
    this.most = Math.max(10, Math.floor(MOST_BYTES / ids.length));
    this.states = [{ ids: ids.slice(), style }];
    this.place = 0;
  }

  get now() {
    return this.states[this.place];
  }

  /** After a stroke, or another style; what was undone before is gone. */
  add(ids, style) {
    this.states = [...this.states.slice(0, this.place + 1), { ids: ids.slice(), style }].slice(-this.most);
    this.place = this.states.length - 1;
  }

  get canUndo() {
    return this.place > 0;
  }

  get canRedo() {
    return this.place < this.states.length - 1;
  }

  /** One step back (-1) or forth (1); {ids, style} there, or null. */
  go(step) {
    const place = this.place + step;
    if (place < 0 || place >= this.states.length) return null;
    this.place = place;
    return this.now;
  }
}
