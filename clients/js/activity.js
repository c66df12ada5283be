import { Attention } from "./attention.js";
import { Errand } from "./errand.js";
import { activity } from "./protocol.js";

/**
 * @import { Activity as Word } from "./types.js"
 * @import { Connection } from "./connection.js"
 * @import { Pace } from "./pace.js"
 * @import { Platform } from "./platform.js"
 * @import { Sign } from "./attention.js"
 */

/** Tells the server whether this person is active at this device, by their own word or by what they do. */
export class Activity {
  /** @type {Word} */
  #word = "active";
  /** A connection begins as active. @type {Word} */
  #told = "active";
  #platform;
  #attention;
  #errand;
  /** @type {unknown} */
  #timer = null;
  /** @type {() => void} */
  stop;

  /**
   * @param {{connection: Connection, pace: Pace, platform: Platform}} parts
   * @param {number | null} idleAfter  seconds without a sign; null: signs do not count
   */
  constructor(parts, idleAfter) {
    this.#platform = parts.platform;
    this.#attention = new Attention((idleAfter ?? 0) * 1000);
    this.#errand = new Errand(parts, () => this.#due());
    const ignore = idleAfter === null ? () => {} : parts.platform.attend((sign) => this.#see(sign));
    this.stop = () => {
      ignore();
      this.#platform.cancel(this.#timer);
    };
  }

  /** @param {Word} word */
  say(word) {
    this.#word = word;
    if (word !== this.#told) this.#errand.kick();
  }

  /** The connection has come or gone. */
  anew() {
    this.#told = "active";
    this.#errand.kick();
  }

  /** @param {Sign} sign */
  #see(sign) {
    const now = this.#platform.now();
    const before = this.#attention.at(now);
    this.#attention.see(sign, now);
    if (before === "idle" || sign === "hidden") this.#judge();
  }

  /** Now, and again when they may have become idle. */
  #judge() {
    this.#platform.cancel(this.#timer);
    const now = this.#platform.now();
    this.say(this.#attention.at(now));
    const left = this.#attention.left(now);
    if (left > 0) this.#timer = this.#platform.after(() => this.#judge(), left);
  }

  #due() {
    const word = this.#word;
    if (word === this.#told) return null;
    return { encode: (/** @type {number} */ id) => activity(id, word), done: () => void (this.#told = word) };
  }
}
