/** Rows of a page. */
export const PAGE_SIZE = 200;

/**
 * Rows of a long list that a server gives page by page: those asked for are loaded, the last few pages are kept.
 * Knows nothing of the page's elements; `changed` is called whenever there is something new to paint.
 */
export class Pages {
  /**
   * @param {(offset: number, limit: number, signal: AbortSignal) => Promise<{rows: object[], total: number}>} load
   * @param {() => void} changed
   */
  constructor(load, changed, { size = PAGE_SIZE, keep = 10 } = {}) {
    Object.assign(this, { load, changed, size, keep, total: null, error: null });
    this.kept = new Map(); // number of the page → its rows, the one used last at the end
    this.underWay = new Map(); // number of the page → AbortController
  }

  at(index) {
    return this.kept.get(Math.floor(index / this.size))?.[index % this.size];
  }

  /** Load what is missing of the rows from…to (to is not among them). */
  want(from, to) {
    for (const page of this.pagesOf(from, to)) {
      const rows = this.kept.get(page);
      if (rows) {
        this.kept.delete(page);
        this.kept.set(page, rows);
      } else if (!this.underWay.has(page)) this.fetch(page);
    }
  }

  /** Load the rows from…to again; what is shown stays until they are here. */
  refresh(from, to) {
    for (const page of this.pagesOf(from, to)) if (!this.underWay.has(page)) this.fetch(page);
  }

  close() {
    for (const each of this.underWay.values()) each.abort();
    this.underWay.clear();
    this.changed = () => {};
  }

  pagesOf(from, to) {
    const last = Math.max(0, Math.min(to, this.total ?? to) - 1);
    const found = [];
    for (let page = Math.floor(Math.max(0, from) / this.size); page <= Math.floor(last / this.size); page++) found.push(page);
    return found;
  }

  async fetch(page) {
    const stop = new AbortController();
    this.underWay.set(page, stop);
    try {
      const { rows, total } = await this.load(page * this.size, this.size, stop.signal);
      if (stop.signal.aborted) return;
      this.kept.delete(page);
      this.kept.set(page, rows);
      while (this.kept.size > this.keep) this.kept.delete(this.kept.keys().next().value);
      Object.assign(this, { total, error: null });
    } catch (error) {
      if (stop.signal.aborted) return;
      this.error = error;
    } finally {
      if (this.underWay.get(page) === stop) this.underWay.delete(page);
    }
    this.changed();
  }
}
