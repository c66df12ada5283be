/**
 * @import { Frame, Mark, Receipts, RoomEvent } from "./types.js"
 * @typedef {{members: number, receipts: Mark[], counts: Receipts["counts"]}} State
 */

/** @param {string} user @param {number} offset @returns {Mark} */
const beginner = (user, offset) => ({ user, delivered: offset, read: offset, newcomer: true });

/** How far the members of one room are: a state, then differences to it, and who comes and goes in the log. */
export class Watermarks {
  /** @type {Receipts | null} */
  state = null;
  /** The state knows of what happened up to this offset; after a hole, of nothing more until the next subscription. */
  #since = 0;
  /** The state is of the connection that there is: if not, who has come and gone cannot be told from events. */
  #fresh = false;
  /** Members who have left: late news of them makes them none again. @type {Set<string>} */
  #gone = new Set();

  /**
   * The answer to a subscription.
   * @param {State | null} state  null: not known now
   * @param {number} offset  events up to it are in the state already
   */
  begin(state, offset) {
    this.#since = offset;
    this.#fresh = false;
    if (state) this.#replace(state);
  }

  /** @param {State} state */
  #replace(state) {
    this.#fresh = true;
    this.#gone.clear();
    this.#set(new Map(state.receipts.map((mark) => [mark.user, mark])), state.counts ?? null, state.members);
  }

  /** @param {Frame} frame  a state or a difference */
  receive({ members, receipts = [], counts = null, state = false }) {
    if (state) return this.#replace({ members, receipts, counts });
    if (!this.state) return;
    const marks = new Map(this.state.receipts);
    for (const mark of receipts) if (!this.#gone.has(mark.user)) marks.set(mark.user, mark);
    this.#set(marks, counts ?? this.state.counts, members ?? this.state.members);
  }

  clear() {
    this.state = null;
    this.#fresh = false;
  }

  /** @param {RoomEvent} event  each that comes on the socket, whether history has it already or not */
  event(event) {
    if (event.offset !== this.#since + 1) return;
    this.#since = event.offset;
    if (!this.#fresh) return;
    if (event.type === "member.left") return this.#left(event.user);
    if (event.type === "member.joined") return this.#joined(event.user, event.offset);
    if (event.type === "comment.posted") return this.#joined(event.actor, event.offset);
  }

  /** @param {string} user */
  #left(user) {
    this.#gone.add(user);
    const marks = new Map(this.state?.receipts);
    if (marks.delete(user)) this.#set(marks);
  }

  /** @param {string} user @param {number} offset  of what made them a member, if they were none */
  #joined(user, offset) {
    this.#gone.delete(user);
    const marks = new Map(this.state?.receipts);
    if (!marks.has(user) && !this.state?.counts) this.#set(marks.set(user, beginner(user, offset)));
  }

  /** @param {Map<string, Mark>} receipts */
  #set(receipts, counts = this.state?.counts ?? null, members = this.state?.members ?? 0) {
    this.state = { members: counts ? members : receipts.size, receipts, counts };
  }
}
