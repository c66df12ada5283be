/**
 * @import { Mark } from "./types.js"
 *
 * @typedef {{kind: "delivered" | "read", offset: number}} Acknowledgement
 */

/** How far this person is in one room: what the server has heard of it, and what it is yet to be told. */
export class Marks {
  /** Own watermark: up to here they have read, on whichever device; null: not known. @type {number | null} */
  upTo = null;
  /** What was told on this connection, or shown by the server. */
  told = { delivered: 0, read: 0 };
  /** By the server's last word they have read nothing since they became a member. */
  newcomer = false;
  /** @type {string | null} */
  #epoch = null;
  /** Read here, whether told or not. */
  #read = 0;

  /** Offsets of another epoch mean nothing. @param {string} epoch @returns {boolean} everything was forgotten */
  begin(epoch) {
    const other = this.#epoch !== null && this.#epoch !== epoch;
    this.#epoch = epoch;
    if (other) [this.upTo, this.#read, this.told, this.newcomer] = [null, 0, { delivered: 0, read: 0 }, false];
    return other;
  }

  /** On a new connection, what was told on another one may have been lost with it. */
  anew() {
    this.told = { delivered: 0, read: 0 };
  }

  /** They may have become a member just now: what was told to be read before was not taken, and is told again. */
  joined() {
    this.told = { ...this.told, read: 0 };
  }

  /** The server shows how far they are; of a newcomer it has taken nothing to be read. @param {Omit<Mark, "user">} mark @returns {boolean} `upTo` is new */
  seen({ delivered, read, newcomer = false }) {
    this.newcomer = newcomer;
    if (newcomer) this.joined();
    this.#tell(delivered, newcomer ? 0 : read);
    return this.#move(read);
  }

  /** What is unread is counted from here on; whether they have read anything is not said. @param {number} read @returns {boolean} `upTo` is new */
  counted(read) {
    return this.#move(read);
  }

  /** @param {number} offset @returns {boolean} `upTo` is new */
  read(offset) {
    this.#read = Math.max(this.#read, offset);
    return this.#move(offset);
  }

  /** @param {number} offset  up to which all events have come @returns {Acknowledgement | null} what to tell the server */
  due(offset) {
    const read = Math.min(this.#read, offset);
    if (read > this.told.read) return { kind: "read", offset: read };
    return offset > this.told.delivered ? { kind: "delivered", offset } : null;
  }

  /** @param {Acknowledgement} acknowledgement  the server has it */
  taken({ kind, offset }) {
    if (kind === "read") this.newcomer = false;
    this.#tell(offset, kind === "read" ? offset : 0);
  }

  /** What is read was delivered. @param {number} delivered @param {number} read */
  #tell(delivered, read) {
    this.told = { delivered: Math.max(this.told.delivered, delivered, read), read: Math.max(this.told.read, read) };
  }

  /** @param {number} read */
  #move(read) {
    if (this.upTo !== null && read <= this.upTo) return false;
    this.upTo = read;
    return true;
  }
}
