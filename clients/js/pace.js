/** @import { Errand } from "./errand.js" */

// A connection may ask some 20 times a second: half of it is left to the person.
const GAP_MS = 100;
const BURST = 20;

/** Spreads over time what is told on nobody's demand, so that many rooms together do not ask too often. */
export class Pace {
  /** Whose pace it is. @type {Set<Errand>} */
  errands = new Set();
  #next = -Infinity;

  /** @param {number} now  in milliseconds, of any clock @returns {number} milliseconds to wait for the turn that this call takes */
  wait(now) {
    this.#next = Math.max(this.#next, now - BURST * GAP_MS) + GAP_MS;
    return Math.max(0, this.#next - now);
  }

  /** There may be no later: whatever is due is told at once. */
  hurry() {
    for (const errand of this.errands) errand.hurry();
  }
}
