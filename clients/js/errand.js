import { again } from "./backoff.js";
import { asParleyError } from "./errors.js";

/**
 * @import { Frame } from "./types.js"
 * @import { Connection } from "./connection.js"
 * @import { Pace } from "./pace.js"
 * @import { Platform } from "./platform.js"
 *
 * @typedef {{encode: (id: number) => string, done: (answer: Frame) => void}} Request
 */

// Anything else that is refused would be refused again.
const PASSING = new Set(["unavailable", "too_many_requests"]);

/**
 * Tells the server what it is to know: one request at a time, with whatever is due when its turn comes.
 * What a lost connection has cost is told when its owner calls again, on the next one.
 */
export class Errand {
  #connection;
  #pace;
  #platform;
  #next;
  #delay;
  /** @type {unknown} */
  #timer = null;
  #busy = false;
  #attempts = 0;

  /**
   * @param {{connection: Connection, pace: Pace, platform: Platform}} parts
   * @param {() => Request | null} next  what is due now
   * @param {number} [delay]  milliseconds in which more may become due
   */
  constructor({ connection, pace, platform }, next, delay = 0) {
    this.#connection = connection;
    this.#pace = pace;
    this.#platform = platform;
    this.#next = next;
    this.#delay = delay;
    pace.errands.add(this);
  }

  /** Something may be due. */
  kick() {
    if (!this.#busy && this.#timer === null && this.#due()) this.#wait(this.#delay);
  }

  /** Tell it now, beside whatever is on its way. */
  hurry() {
    if (this.#timer !== null) {
      this.#platform.cancel(this.#timer);
      void this.#run();
    } else if (this.#busy) {
      const request = this.#due();
      if (request) void this.#send(request);
    }
  }

  /** @param {number} ms */
  #wait(ms) {
    this.#timer = this.#platform.after(() => void this.#run(), ms + this.#pace.wait(this.#platform.now()));
  }

  async #run() {
    this.#timer = null;
    const request = this.#due();
    if (!request) return;
    this.#busy = true;
    const pause = await this.#send(request);
    this.#busy = false;
    if (pause !== null && this.#due()) this.#wait(pause);
  }

  #due() {
    return this.#connection.connected ? this.#next() : null;
  }

  /** @param {Request} request @returns {Promise<number | null>} milliseconds until the next one; null: when something else is due */
  async #send({ encode, done }) {
    try {
      done(await this.#connection.request(encode));
      this.#attempts = 0;
      return this.#delay;
    } catch (caught) {
      const { code, retryAfter } = asParleyError(caught);
      return PASSING.has(code) ? again(this.#attempts++, this.#platform.random(), retryAfter ?? 0) : null;
    }
  }
}
