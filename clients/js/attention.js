/**
 * @import { Activity } from "./types.js"
 * @typedef {"input" | "visible" | "hidden"} Sign  that somebody is at the page, or that it cannot be seen
 */

/** Whether somebody attends to the page. Times are in milliseconds, of any clock. */
export class Attention {
  #patience;
  #hidden = false;
  #last = -Infinity;

  /** @param {number} patience  without input, before they are idle */
  constructor(patience) {
    this.#patience = patience;
  }

  /** @param {Sign} sign @param {number} now */
  see(sign, now) {
    this.#hidden = sign === "hidden";
    if (!this.#hidden) this.#last = now;
  }

  /** @param {number} now @returns {Activity} */
  at(now) {
    return this.left(now) > 0 ? "active" : "idle";
  }

  /** @param {number} now @returns {number} until they are idle, if nothing more is seen */
  left(now) {
    return this.#hidden ? 0 : Math.max(0, this.#last + this.#patience - now);
  }
}
