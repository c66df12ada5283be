import { Emitter } from "./emitter.js";
import { Errand } from "./errand.js";
import { Marks } from "./marks.js";
import { acknowledge } from "./protocol.js";
import { audience } from "./reach.js";
import { Watermarks } from "./watermarks.js";

/**
 * @import { Frame, Mark, Position, Receipts, RoomEvent, User } from "./types.js"
 * @import { Connection } from "./connection.js"
 * @import { Pace } from "./pace.js"
 * @import { Platform } from "./platform.js"
 * @import { Reach } from "./reach.js"
 */

// Events that come together are acknowledged together.
const GATHER_MS = 200;

/**
 * How far the members of one room are, and this person among them, which the server is told.
 * @extends {Emitter<{receipts: Receipts | null, read: number}>}
 */
export class Progress extends Emitter {
  #room;
  #me;
  #position;
  #watermarks = new Watermarks();
  #marks = new Marks();
  /** An event of this connection has made them one, if they were none. */
  #member = false;
  #errand;

  /**
   * @param {string} room
   * @param {{connection: Connection, pace: Pace, platform: Platform, user: User}} parts
   * @param {() => Position | null} position  up to which all events have come; null while the room is not live
   */
  constructor(room, parts, position) {
    super();
    this.#room = room;
    this.#me = parts.user.id;
    this.#position = position;
    this.#errand = new Errand(parts, () => this.#due(), GATHER_MS);
  }

  get receipts() {
    return this.#watermarks.state;
  }

  /** Own read watermark. */
  get upTo() {
    return this.#marks.upTo;
  }

  /** @returns {((offset: number) => Reach) | null} what became of an own comment of this offset; null: not known */
  get reach() {
    const receipts = this.receipts;
    const { told, upTo, newcomer } = this.#marks;
    return receipts && audience(receipts, { user: this.#me, delivered: told.delivered, read: upTo ?? 0, newcomer });
  }

  /** @param {number} offset  they have read up to here */
  read(offset) {
    this.#moved(this.#marks.read(offset));
    this.#errand.kick();
  }

  /** What is unread is counted from here on: they have read up to it on some device, or began there. @param {number} read */
  seen(read) {
    this.#moved(this.#marks.counted(read));
  }

  /**
   * Known of the room's history from now on.
   * @param {string} epoch
   * @returns {boolean} it is another one: everything was forgotten
   */
  begin(epoch) {
    const other = this.#marks.begin(epoch);
    if (other) this.#watermarks.clear();
    return other;
  }

  /** @param {Frame} frame */
  receive(frame) {
    const before = this.receipts;
    if (frame.type === "event") this.#event(frame.event);
    if (frame.type === "receipts") this.#receipts(frame);
    if (frame.type === "subscribed") this.#subscribed(frame);
    if (this.receipts !== before) this.emit("receipts", this.receipts);
  }

  /** Further events have come, or may be acknowledged from now on. */
  kick() {
    this.#errand.kick();
  }

  /** @param {RoomEvent} event */
  #event(event) {
    this.#watermarks.event(event);
    if (event.type === "member.left" && event.user === this.#me) this.#member = false;
    const joined = event.type === "comment.posted" ? event.actor : event.type === "member.joined" ? event.user : null;
    if (joined !== this.#me || this.#member) return;
    this.#member = true;
    this.#marks.joined();
    this.#errand.kick();
  }

  /** @param {Frame} frame */
  #subscribed({ receipts, offset }) {
    this.#member = false;
    this.#marks.anew();
    this.#watermarks.begin(receipts, offset);
    this.#see(receipts?.receipts);
  }

  /** @param {Frame} frame */
  #receipts(frame) {
    this.#watermarks.receive(frame);
    this.#see(frame.receipts);
  }

  /** @param {Mark[]} [marks]  that the server has told */
  #see(marks) {
    const own = marks?.find(({ user }) => user === this.#me);
    if (own) this.#moved(this.#marks.seen(own));
  }

  /** @param {boolean} moved */
  #moved(moved) {
    if (moved) this.emit("read", this.#marks.upTo ?? 0);
  }

  #due() {
    const position = this.#position();
    const due = position && this.#marks.due(position.offset);
    if (!due) return null;
    const encode = (/** @type {number} */ id) => acknowledge(id, due.kind, this.#room, due.offset);
    return { encode, done: () => this.#marks.taken(due) };
  }
}
