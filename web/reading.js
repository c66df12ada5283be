// Of the last line of a message, so much must be seen: whoever sees its end has read it.
const SEEN = 0.5;

/** Notices which messages the reader has in front of them, once it is started, and says how far that is. */
export class Reading {
  /** @type {Set<Element>} */
  #watched = new Set();
  /** @type {Set<Element>} */
  #seen = new Set();
  #started = false;
  #observer;
  #read;

  /** @param {HTMLElement} log  what scrolls @param {(offset: number) => void} read */
  constructor(log, read) {
    this.#read = read;
    this.#observer = new IntersectionObserver((entries) => this.#noticed(entries), { root: log, threshold: SEEN });
    document.addEventListener("visibilitychange", () => this.#look());
  }

  start() {
    if (this.#started) return;
    this.#started = true;
    for (const element of this.#watched) this.#observer.observe(element);
  }

  /** @param {Element} element  the end of a message, which carries its offset */
  watch(element) {
    this.#watched.add(element);
    if (this.#started) this.#observer.observe(element);
  }

  /** @param {Element} element */
  forget(element) {
    this.#observer.unobserve(element);
    this.#watched.delete(element);
    this.#seen.delete(element);
  }

  /** @param {IntersectionObserverEntry[]} entries */
  #noticed(entries) {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting) this.#seen.add(target);
      else this.#seen.delete(target);
    }
    this.#look();
  }

  #look() {
    if (document.visibilityState !== "visible") return;
    const offsets = [...this.#seen].map((element) => Number(/** @type {HTMLElement} */ (element).dataset.offset ?? 0));
    const furthest = Math.max(0, ...offsets);
    if (furthest > 0) this.#read(furthest);
  }
}
