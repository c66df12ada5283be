import { backoff } from "./backoff.js";
import { Cursor } from "./cursor.js";
import { Emitter } from "./emitter.js";
import { asParleyError } from "./errors.js";
import { subscribe, unsubscribe } from "./protocol.js";

/**
 * @import { Frame, Page, RoomEvent } from "./types.js"
 * @import { Connection } from "./connection.js"
 * @import { Http } from "./http.js"
 * @import { ParleyError } from "./errors.js"
 * @import { Platform } from "./platform.js"
 *
 * @typedef {"idle" | "loading" | "live" | "away" | "refused"} RoomState
 *   away: shows what it has, and catches up when the connection is back
 * @typedef {{page: Page, sameEpoch: boolean, again: boolean, events: RoomEvent[]}} Snapshot
 *   The newest page, and the events after it; again: it replaces what was there before.
 */

export const PAGE = 50;
// What is sent by HTTP comes by the socket within milliseconds; the socket is dead if not.
const ECHO_TIMEOUT_MS = 10_000;
const FINAL = new Set(["forbidden", "invalid_request", "too_many_rooms"]);

/**
 * Keeps a reader in step with one room over a connection that comes and goes: first a page of history,
 * then every event after it, in order, once.
 * @extends {Emitter<{snapshot: Snapshot, events: RoomEvent[], state: RoomState, error: ParleyError}>}
 */
export class Sync extends Emitter {
  /** @type {RoomState} */
  state = "idle";
  #room;
  #connection;
  #http;
  #platform;
  #cursor = new Cursor();
  /** Counts loads: an answer to an earlier one is out of date. */
  #round = 0;
  /** The subscribe request whose answer counts. */
  #asked = 0;
  #refusals = 0;
  /** @type {unknown} */
  #echo = null;

  /** @param {string} room @param {{connection: Connection, http: Http, platform: Platform}} parts */
  constructor(room, { connection, http, platform }) {
    super();
    this.#room = room;
    this.#connection = connection;
    this.#http = http;
    this.#platform = platform;
  }

  start() {
    if (this.state !== "idle" && this.state !== "refused") return;
    this.#stand("loading");
    if (this.#cursor.position) this.join();
    else void this.#load();
  }

  stop() {
    this.#round++;
    this.#connection.forget(this.#asked);
    this.#unsubscribe();
    this.leave();
    this.#stand("idle");
  }

  /** The connection is there: subscribe from where we stand. */
  join() {
    if (this.state === "idle" || this.state === "refused" || !this.#cursor.position) return;
    if (!this.#connection.connected) return;
    const since = this.#cursor.ask();
    const answer = this.#connection.request((id) => subscribe((this.#asked = id), this.#room, since));
    answer.catch((error) => this.#refused(asParleyError(error)));
  }

  /** Subscribe anew on the same connection: fills holes, and shows whether the server is still there. */
  rejoin() {
    if (this.#cursor.phase === "away" || this.#cursor.phase === "asked") return;
    this.#unsubscribe();
    this.join();
  }

  /** The connection is gone. */
  leave() {
    if (this.#cursor.phase === "behind") this.#round++;
    this.#cursor.leave();
    this.#asked = 0;
    if (this.state === "live") this.#stand("away");
  }

  /** @param {Frame} frame */
  receive(frame) {
    if (frame.type === "event") this.#event(frame.event);
    if (frame.type === "subscribed" && frame.id === this.#asked) this.#subscribed(frame);
  }

  /** The log holds an event of this offset: if it does not come, the socket is dead. @param {number} offset */
  awaitEcho(offset) {
    const behind = () => this.#cursor.phase === "live" && (this.#cursor.position?.offset ?? 0) < offset;
    if (!behind()) return;
    this.#platform.cancel(this.#echo);
    this.#echo = this.#platform.after(() => behind() && this.#connection.drop("the socket is silent"), ECHO_TIMEOUT_MS);
  }

  /** Refused or not answered, it comes to the same: not subscribed. */
  #unsubscribe() {
    if (this.#connection.connected) this.#connection.request((id) => unsubscribe(id, this.#room)).catch(() => {});
  }

  /** @param {Frame} frame */
  #subscribed({ epoch, offset, recovered }) {
    this.#refusals = 0;
    if (this.#cursor.subscribed({ epoch, offset, recovered })) this.#stand("live");
    else void this.#load();
  }

  /** @param {RoomEvent} event */
  #event(event) {
    const verdict = this.#cursor.event(event);
    if (verdict === "hole") this.rejoin();
    if (verdict === "apply") this.emit("events", [event]);
  }

  /** Fetch the newest page until there is one that the cursor can go on from. */
  async #load() {
    const round = ++this.#round;
    for (let attempt = 0; round === this.#round; attempt++) {
      const page = await this.#newest(round);
      if (round !== this.#round || (page && this.#take(page))) return;
      await this.#pause(attempt);
    }
  }

  /** @param {number} round @returns {Promise<Page | null>} null if it is worth another attempt */
  async #newest(round) {
    try {
      return await this.#http.page(this.#room, { limit: PAGE });
    } catch (caught) {
      const error = asParleyError(caught);
      if (!error.away && !error.broken && round === this.#round) this.#refuse(error);
      return null;
    }
  }

  /** @param {Page} page @returns {boolean} */
  #take(page) {
    const before = this.#cursor.position;
    const events = this.#cursor.page(page);
    if (!events) return false;
    const again = before !== null && before.offset > 0;
    this.emit("snapshot", { page, sameEpoch: before === null || before.epoch === page.epoch, again, events });
    if (this.#cursor.phase === "live") this.#stand("live");
    else this.join();
    return true;
  }

  /** @param {ParleyError} error of a request on the socket */
  async #refused(error) {
    if (error.status === 0 || this.state === "idle") return;
    if (FINAL.has(error.code)) return this.#refuse(error);
    const asked = this.#asked;
    await this.#pause(this.#refusals++, error.retryAfter ?? 0);
    if (asked === this.#asked && this.#cursor.phase === "asked") this.join();
  }

  /** @param {ParleyError} error */
  #refuse(error) {
    this.#round++;
    this.#cursor.leave();
    this.#stand("refused");
    this.emit("error", error);
  }

  /** @param {number} attempt @param {number} [seconds] @returns {Promise<void>} */
  #pause(attempt, seconds = 0) {
    const ms = seconds * 1000 + backoff(attempt, this.#platform.random());
    return new Promise((resolve) => void this.#platform.after(resolve, ms));
  }

  /** @param {RoomState} state */
  #stand(state) {
    if (state === this.state) return;
    this.state = state;
    this.emit("state", state);
  }
}
