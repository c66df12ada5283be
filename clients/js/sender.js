import { again } from "./backoff.js";
import { asParleyError } from "./errors.js";

/**
 * @import { Comment, Pending } from "./types.js"
 * @import { Http } from "./http.js"
 * @import { Outbox } from "./outbox.js"
 * @import { Platform } from "./platform.js"
 * @import { ParleyError } from "./errors.js"
 */

// A server that fails at one message this often will not take it: the person decides.
const MAX_BROKEN = 4;

/**
 * Empties one room's part of the outbox, one post at a time so that the order is kept. A post that the
 * server refuses fails; while the server is away, everything waits.
 */
export class Sender {
  #room;
  #outbox;
  #http;
  #platform;
  #hooks;
  #busy = false;
  #attempts = 0;
  /** How often the server has failed at the message whose turn it is. */
  #broken = 0;
  /** @type {unknown} */
  #timer = null;
  /** Until then the server has asked to be left alone; milliseconds since 1970. */
  #quiet = 0;

  /**
   * @param {string} room
   * @param {{outbox: Outbox, http: Http, platform: Platform}} parts
   * @param {{sent: (comment: Comment) => void, failed: () => void}} hooks
   */
  constructor(room, { outbox, http, platform }, hooks) {
    this.#room = room;
    this.#outbox = outbox;
    this.#http = http;
    this.#platform = platform;
    this.#hooks = hooks;
  }

  /** There is something to send, or a reason to think that it works now. */
  kick() {
    if (this.#busy) return;
    this.#platform.cancel(this.#timer);
    const early = this.#quiet - this.#platform.now();
    if (early > 0) this.#timer = this.#platform.after(() => this.kick(), early);
    else void this.#drain();
  }

  stop() {
    this.#platform.cancel(this.#timer);
  }

  /** What is decided after an `await` is done in the same turn: a kick in between would be lost. */
  async #drain() {
    this.#busy = true;
    let pause = null;
    for (let entry = this.#next(); entry && pause === null; entry = this.#next()) pause = await this.#send(entry);
    this.#busy = false;
    if (pause !== null) this.#timer = this.#platform.after(() => this.kick(), pause);
  }

  #next() {
    return this.#outbox.next(this.#room);
  }

  /** @param {Pending} entry @returns {Promise<number | null>} milliseconds to wait before anything else is sent */
  async #send(entry) {
    try {
      const comment = await this.#http.post(entry);
      this.#attempts = this.#broken = 0;
      this.#outbox.remove(entry.clientId);
      this.#hooks.sent(comment);
      return null;
    } catch (error) {
      return this.#missed(entry.clientId, asParleyError(error));
    }
  }

  /** @param {string} clientId @param {ParleyError} error @returns {number | null} */
  #missed(clientId, error) {
    if (error.broken) this.#broken++;
    if (error.away || (error.broken && this.#broken < MAX_BROKEN)) return this.#pause(error.retryAfter);
    this.#attempts = this.#broken = 0;
    this.#outbox.fail(clientId, error.message);
    this.#hooks.failed();
    return null;
  }

  /** @param {number | null} seconds  that the server has asked for */
  #pause(seconds) {
    const ms = again(this.#attempts++, this.#platform.random(), seconds ?? 0);
    if (seconds !== null) this.#quiet = this.#platform.now() + ms;
    return ms;
  }
}
