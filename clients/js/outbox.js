/**
 * @import { Meta, Pending, Shelf } from "./types.js"
 */

/**
 * What one person has written and the server has not confirmed, in the order of writing.
 *
 * Each entry is stored under a key of its own, so that two tabs of one person never overwrite each
 * other's; if both send an entry, its client id makes that one comment.
 */
export class Outbox {
  /** @type {Map<string, Pending>} */
  #entries;
  #shelf;
  #prefix;
  #report;

  /**
   * @param {Shelf} shelf
   * @param {string} owner  separates people (and servers) that share the storage
   * @param {(error: unknown) => void} report  told when the storage is full: the entry lives on in memory only
   */
  constructor(shelf, owner, report) {
    this.#shelf = shelf;
    this.#report = report;
    this.#prefix = `parley:outbox:${owner}:`;
    const stored = keys(shelf).filter((key) => key.startsWith(this.#prefix));
    const entries = stored.flatMap((key) => read(shelf, key)).sort((a, b) => a.order - b.order);
    this.#entries = new Map(entries.map((entry) => [entry.clientId, entry]));
  }

  /** @param {string} [room] @returns {Pending[]} */
  pending(room) {
    return [...this.#entries.values()].filter((entry) => room === undefined || entry.room === room);
  }

  /** @param {string} room @returns {Pending | undefined} what to send next */
  next(room) {
    return this.pending(room).find((entry) => entry.status === "SENDING");
  }

  /**
   * @param {{clientId: string, room: string, body: string, imageMeta?: Meta, videoMeta?: Meta, urgent?: boolean, createdAt: string}} draft
   * @returns {Pending}
   */
  add({ imageMeta = null, videoMeta = null, urgent = false, ...draft }) {
    /** @type {Pending} */
    const entry = { ...draft, imageMeta, videoMeta, urgent, order: this.#last() + 1, status: "SENDING", error: null };
    return this.#keep(entry);
  }

  /** @param {string} clientId @param {string} error */
  fail(clientId, error) {
    const entry = this.#entries.get(clientId);
    if (entry) this.#keep({ ...entry, status: "FAILED", error });
  }

  /** Send it once more; what was written after it has been sent by now, so it goes to the end. @param {string} clientId */
  retry(clientId) {
    const entry = this.#entries.get(clientId);
    if (!entry || entry.status !== "FAILED") return;
    this.#entries.delete(clientId);
    this.#keep({ ...entry, order: this.#last() + 1, status: "SENDING", error: null });
  }

  /** It is in the log, or nobody wants it any more. @param {string | null} clientId @returns {boolean} it was here */
  remove(clientId) {
    if (clientId === null || !this.#entries.delete(clientId)) return false;
    this.#shelf.removeItem(this.#prefix + clientId);
    return true;
  }

  #last() {
    return Math.max(0, ...[...this.#entries.values()].map((entry) => entry.order));
  }

  /** @param {Pending} entry */
  #keep(entry) {
    this.#entries.set(entry.clientId, entry);
    try {
      this.#shelf.setItem(this.#prefix + entry.clientId, JSON.stringify(entry));
    } catch (error) {
      this.#report(error);
    }
    return entry;
  }
}

/** @implements {Shelf} */
export class MemoryShelf {
  /** @type {Map<string, string>} */
  #items = new Map();

  get length() {
    return this.#items.size;
  }

  /** @param {number} index */
  key(index) {
    return [...this.#items.keys()][index] ?? null;
  }

  /** @param {string} key */
  getItem(key) {
    return this.#items.get(key) ?? null;
  }

  /** @param {string} key @param {string} value */
  setItem(key, value) {
    this.#items.set(key, value);
  }

  /** @param {string} key */
  removeItem(key) {
    this.#items.delete(key);
  }
}

/** @param {Shelf} shelf @returns {string[]} */
function keys(shelf) {
  return Array.from({ length: shelf.length }, (_, index) => shelf.key(index) ?? "");
}

/** @param {Shelf} shelf @param {string} key @returns {Pending[]} nothing if another version of the page wrote it */
function read(shelf, key) {
  try {
    const entry = JSON.parse(shelf.getItem(key) ?? "null");
    return typeof entry?.clientId === "string" && typeof entry.body === "string" ? [entry] : [];
  } catch {
    return [];
  }
}
