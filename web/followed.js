/**
 * @import { Present } from "/js/types.js"
 * @import { Room } from "/js/index.js"
 */

// As many people as may be asked for at once; and how many of them are the newest authors, whose messages have dots.
const MOST = 100;
const AUTHORS = 50;
const PAUSE_MS = 1000;

/** Whom a room that is too large to tell of everybody tells about: who was asked for last. So all who ask do it here. */
export class Followed {
  #room;
  #me;
  /** @type {string[]} */
  #authors = [];
  /** @type {string[]} */
  #members = [];
  #paused = false;

  /** @param {Room} room @param {string} me */
  constructor(room, me) {
    this.#room = room;
    this.#me = me;
  }

  /** Ask for those of whom nothing is known, and again when that fails. @param {string[]} authors  the newest first */
  authors(authors) {
    this.#authors = authors.slice(0, AUTHORS);
    const { state, presence } = this.#room;
    const known = this.#authors.every((user) => this.#room.here(user) !== null);
    if (known || this.#paused || state !== "live" || presence?.people !== null) return;
    this.#paused = true;
    setTimeout(() => this.#resume(), PAUSE_MS);
    this.#room.askPresence(this.#all).catch(() => {});
  }

  #resume() {
    this.#paused = false;
    this.authors(this.#authors);
  }

  /**
   * In a room that tells of everybody, those; in a large one, oneself and the authors as well.
   * @param {string[]} members
   * @returns {Promise<Present[]>} throws `ParleyError`
   */
  members(members) {
    this.#members = members;
    return this.#room.askPresence(this.#room.presence?.people === null ? this.#all : members);
  }

  get #all() {
    return [...new Set([this.#me, ...this.#authors, ...this.#members])].slice(0, MOST);
  }
}
