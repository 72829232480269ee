/** The last stroke wins: one request runs, the newest waits, those between are dropped. */
export class Latest {
  /** work: (wish) => Promise; done: (result, milliseconds); failed: (error). */
  constructor(work, done, failed) {
    Object.assign(this, { work, done, failed, running: false, waiting: null });
  }

  ask(wish) {
    this.waiting = { wish, since: performance.now() };
    if (!this.running) this.next();
  }

  get busy() {
    return this.running || this.waiting !== null;
  }

  async next() {
    const { wish, since } = this.waiting;
    this.waiting = null;
    this.running = true;
    try {
      this.done(await this.work(wish), performance.now() - since);
    } catch (error) {
      if (!error.outdated) this.failed(error);
    } finally {
      this.running = false;
      if (this.waiting) this.next();
    }
  }
}
