// Within this many pixels of the end, a reader follows the conversation.
const AT_END = 80;
// Older messages are asked for this many pixels before the reader would see that they are missing.
const AHEAD = 800;
// Kept free above what is new.
const MARGIN = 24;

/** Keeps what the reader reads in its place, and follows the end when the reader is there. */
export class Scroll {
  /** The reader is at the end. */
  following = true;
  #log;
  #list;
  #hooks;
  /** Of the log; when it changes, the scroll event that comes with it is not the reader's doing. */
  #height = 0;

  /**
   * @param {HTMLElement} log  what scrolls
   * @param {HTMLElement} list  the messages in it
   * @param {{moved: () => void, nearTop: () => void}} hooks
   */
  constructor(log, list, hooks) {
    this.#log = log;
    this.#list = list;
    this.#hooks = hooks;
    log.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    new ResizeObserver(() => this.#resized()).observe(log);
  }

  /** @param {() => void} change  adds, removes or changes messages */
  keep(change) {
    const anchor = this.following ? null : this.#anchor();
    const before = anchor?.getBoundingClientRect().top ?? 0;
    change();
    const moved = anchor?.isConnected ? anchor.getBoundingClientRect().top - before : 0;
    if (moved !== 0) this.#log.scrollTop += moved; // even += 0 would end a smooth scroll
    this.#settle();
  }

  toEnd({ smooth = false } = {}) {
    this.following = true;
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.#log.scrollTo({ top: this.#log.scrollHeight, behavior: smooth && !calm ? "smooth" : "instant" });
    this.#hooks.moved();
  }

  /** Where something new begins, if the end of it all is further than the reader sees. @param {Element | null} beginning */
  reveal(beginning) {
    if (!beginning || !this.following) return;
    const above = this.#log.getBoundingClientRect().top - beginning.getBoundingClientRect().top + MARGIN;
    if (above <= 0) return;
    this.#log.scrollTop -= above;
    this.following = false;
    this.#hooks.moved();
  }

  /** The first message that the reader sees, at least in part; what stands between messages may go. */
  #anchor() {
    const top = this.#log.getBoundingClientRect().top;
    const messages = [...this.#list.querySelectorAll("[data-key]")];
    return messages.find((element) => element.getBoundingClientRect().bottom > top) ?? null;
  }

  #settle() {
    if (this.following) this.#log.scrollTop = this.#log.scrollHeight;
    this.#look();
  }

  #resized() {
    this.#height = this.#log.clientHeight;
    this.#settle();
  }

  #scrolled() {
    const { scrollHeight, scrollTop, clientHeight } = this.#log;
    if (clientHeight !== this.#height) return;
    this.following = scrollHeight - scrollTop - clientHeight < AT_END;
    this.#hooks.moved();
    this.#look();
  }

  #look() {
    if (this.#log.scrollTop < AHEAD) this.#hooks.nearTop();
  }
}
