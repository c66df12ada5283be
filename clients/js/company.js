import { Emitter } from "./emitter.js";
import { Errand } from "./errand.js";
import { ParleyError } from "./errors.js";
import { Presence } from "./presence.js";
import { presence, signal, typing } from "./protocol.js";
import { Typists } from "./typists.js";

/**
 * @import { Frame, Presence as State, Present, RoomEvent, Signal, Typist, User } from "./types.js"
 * @import { Connection } from "./connection.js"
 * @import { Pace } from "./pace.js"
 * @import { Platform } from "./platform.js"
 */

// The others are told at most so often that this person types.
const TYPING_MS = 1000;

/**
 * Who is in one room now, what they do, and what they tell each other in passing.
 * @extends {Emitter<{presence: State | null, typing: readonly Typist[], signal: Signal}>}
 */
export class Company extends Emitter {
  #room;
  #connection;
  #platform;
  #me;
  #presence = new Presence();
  #typists = new Typists();
  /** @type {readonly Typist[]} */
  #typing = [];
  #typed = -Infinity;
  /** @type {unknown} */
  #timer = null;
  /** The server of this connection does not know yet of whom to tell. */
  #unasked = false;
  #again;

  /** @param {string} room @param {{connection: Connection, pace: Pace, platform: Platform, user: User}} parts */
  constructor(room, { connection, pace, platform, user }) {
    super();
    this.#room = room;
    this.#connection = connection;
    this.#platform = platform;
    this.#me = user.id;
    this.#again = new Errand({ connection, pace, platform }, () => this.#question());
  }

  get presence() {
    return this.#presence.state;
  }

  get typists() {
    return this.#typing;
  }

  /** @param {string} user @returns {boolean | null} */
  here(user) {
    return this.#presence.here(user);
  }

  /** @param {string[]} users @returns {Promise<Present[]>} */
  async ask(users) {
    const { asked } = await this.#request((id) => presence(id, this.#room, users));
    return asked;
  }

  /** It does not matter if it is not heard. */
  type() {
    const now = this.#platform.now();
    if (now - this.#typed < TYPING_MS || !this.#connection.connected) return;
    this.#typed = now;
    this.#request((id) => typing(id, this.#room)).catch(() => {});
  }

  /** @param {string} name @param {unknown} data */
  async signal(name, data) {
    await this.#request((id) => signal(id, this.#room, name, data));
  }

  /** @param {Frame} frame */
  receive(frame) {
    if (frame.type === "subscribed") this.#subscribed(frame.presence);
    if (frame.type === "presence") this.#see(() => this.#presence.receive(frame));
    if (frame.type === "signal") this.#signal(frame);
  }

  /** @param {RoomEvent[]} events */
  apply(events) {
    const stopped = events.filter(({ type, actor }) => type === "comment.posted" && this.#typists.stop(actor));
    if (stopped.length) this.#show();
  }

  /** The room was left: nothing is heard of them any more. */
  leave() {
    this.#see(() => this.#presence.clear());
    this.#typists.clear();
    if (this.#typing.length) this.#show();
  }

  /** @param {State | null} state */
  #subscribed(state) {
    this.#unasked = this.#presence.asked.length > 0;
    this.#see(() => this.#presence.replace(state));
    this.#again.kick();
  }

  #question() {
    if (!this.#unasked) return null;
    const users = this.#presence.asked;
    return { encode: (/** @type {number} */ id) => presence(id, this.#room, users), done: () => void (this.#unasked = false) };
  }

  /** @param {() => void} change */
  #see(change) {
    const before = this.#presence.state;
    change();
    if (this.#presence.state !== before) this.emit("presence", this.#presence.state);
  }

  /** @param {Frame} frame */
  #signal({ name, user, data }) {
    if (name !== "typing") return this.emit("signal", { name, user, data });
    if (user !== this.#me && this.#typists.hear(user, data?.name || user, this.#platform.now())) this.#show();
    this.#watch();
  }

  /** Look again when the next of them may have stopped. */
  #watch() {
    this.#platform.cancel(this.#timer);
    const { next } = this.#typists;
    if (next !== null) this.#timer = this.#platform.after(() => this.#expire(), next - this.#platform.now());
  }

  #expire() {
    if (this.#typists.expire(this.#platform.now())) this.#show();
    this.#watch();
  }

  #show() {
    this.#typing = this.#typists.list;
    this.emit("typing", this.#typing);
  }

  /** @param {(id: number) => string} encode @returns {Promise<Frame>} */
  async #request(encode) {
    if (!this.#connection.connected) throw new ParleyError("not connected");
    return this.#connection.request(encode);
  }
}
