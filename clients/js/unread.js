import { Emitter } from "./emitter.js";
import { Errand } from "./errand.js";
import { unread } from "./protocol.js";

/**
 * @import { Frame, RoomUnread } from "./types.js"
 * @import { Connection } from "./connection.js"
 * @import { Pace } from "./pace.js"
 * @import { Platform } from "./platform.js"
 */

/**
 * What this person has not read, by room. What they read here counts at once: the server's word may be older.
 *
 * `change`: `rooms` is new; with the server's word, if it is by that.
 * @extends {Emitter<{change: readonly RoomUnread[]}>}
 */
export class Unread extends Emitter {
  /** A new one at each change. @type {ReadonlyMap<string, RoomUnread>} */
  rooms = new Map();
  /** Up to where they have read, as far as it was seen here. @type {Map<string, number>} */
  #read = new Map();
  #watched = false;
  /** This connection tells what changes. */
  #told = false;
  #errand;

  /** @param {{connection: Connection, pace: Pace, platform: Platform}} parts */
  constructor(parts) {
    super();
    this.#errand = new Errand(parts, () => this.#question());
  }

  watch() {
    this.#watched = true;
    this.#errand.kick();
  }

  /** The connection has come or gone. */
  anew() {
    this.#told = false;
    this.#errand.kick();
  }

  /** @param {Frame} frame  the whole of it in an answer, else what has changed */
  receive({ id, rooms, left = [] }) {
    const known = new Map(id === undefined ? this.rooms : []);
    for (const room of left) known.delete(room);
    for (const entry of rooms) known.set(entry.room, amended(entry, this.#read.get(entry.room) ?? 0));
    this.rooms = known;
    this.emit("change", rooms);
  }

  /** @param {string} room @param {number} offset */
  read(room, offset) {
    this.#read.set(room, Math.max(offset, this.#read.get(room) ?? 0));
    const entry = this.rooms.get(room);
    if (!entry || entry.read >= offset) return;
    this.rooms = new Map(this.rooms).set(room, amended(entry, offset));
    this.emit("change", []);
  }

  /** The room has another history: what was read in the old one says nothing. @param {string} room */
  forget(room) {
    this.#read.delete(room);
  }

  #question() {
    return this.#watched && !this.#told ? { encode: unread, done: () => void (this.#told = true) } : null;
  }
}

/** @param {RoomUnread} entry @param {number} read @returns {RoomUnread} */
function amended(entry, read) {
  if (read <= entry.read) return entry;
  return read < entry.head ? { ...entry, read } : { ...entry, read, unread: 0, mentioned: false };
}
