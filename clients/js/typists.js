/** @import { Typist } from "./types.js" */

// Who has stopped says nothing: what was heard last holds for so long.
const HOLDS_MS = 3000;

/** Who types, in one room. Times are in milliseconds, of any clock. */
export class Typists {
  /** @type {Map<string, {name: string, until: number}>} */
  #typing = new Map();

  /** @returns {Typist[]} who began first comes first */
  get list() {
    return [...this.#typing].map(([user, { name }]) => ({ user, name }));
  }

  /** @returns {number | null} when the next of them has stopped, unless more is heard */
  get next() {
    return this.#typing.size ? Math.min(...[...this.#typing.values()].map(({ until }) => until)) : null;
  }

  /** @param {string} user @param {string} name @param {number} now @returns {boolean} they are new, or named anew */
  hear(user, name, now) {
    const known = this.#typing.get(user);
    this.#typing.set(user, { name, until: now + HOLDS_MS });
    return known?.name !== name;
  }

  /** Their comment is there. @param {string} user @returns {boolean} they were typing */
  stop(user) {
    return this.#typing.delete(user);
  }

  /** @param {number} now @returns {boolean} somebody has stopped */
  expire(now) {
    const stopped = [...this.#typing].filter(([, { until }]) => until <= now);
    for (const [user] of stopped) this.#typing.delete(user);
    return stopped.length > 0;
  }

  clear() {
    this.#typing.clear();
  }
}
