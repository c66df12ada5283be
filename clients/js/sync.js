import { again } from "./backoff.js";
import { Cursor } from "./cursor.js";
import { Emitter } from "./emitter.js";
import { ParleyError, asParleyError } from "./errors.js";
import { subscribe, unsubscribe } from "./protocol.js";

/**
 * @import { Frame, Page, Position, RoomEvent } from "./types.js"
 * @import { Connection } from "./connection.js"
 * @import { Http } from "./http.js"
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

  /** Up to here every event has come, and the next ones will. @returns {Position | null} null while that is not so */
  get position() {
    return this.#cursor.phase === "live" ? this.#cursor.position : null;
  }

  /** The newest offset that is shown; 0 if nothing is. */
  get reached() {
    return this.#cursor.position?.offset ?? 0;
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
    if (frame.type === "error" && frame.id === undefined) this.#excluded(frame);
    if (frame.type === "subscribed" && frame.id === this.#asked) this.#subscribed(frame);
  }

  /** The log holds an event of this offset: if it does not come, the socket is dead. @param {number} offset */
  awaitEcho(offset) {
    if (!this.#behind(offset)) return;
    this.#platform.cancel(this.#echo);
    this.#echo = this.#platform.after(() => this.#silent(offset), ECHO_TIMEOUT_MS);
  }

  /** @param {number} offset */
  #silent(offset) {
    if (this.#connection.standing.degraded) this.awaitEcho(offset);
    else if (this.#behind(offset)) this.#connection.drop("the socket is silent");
  }

  /** @param {number} offset */
  #behind(offset) {
    return this.#cursor.phase === "live" && (this.#cursor.position?.offset ?? 0) < offset;
  }

  /** Not subscribed, or not answered: it comes to the same. Only what was asked too soon is asked again. */
  #unsubscribe() {
    if (!this.#connection.connected) return;
    this.#connection.request((id) => unsubscribe(id, this.#room)).catch((error) => this.#stays(asParleyError(error)));
  }

  /** @param {ParleyError} error */
  async #stays({ code, retryAfter }) {
    if (code !== "too_many_requests") return;
    await this.#pause(0, retryAfter);
    if (this.#cursor.phase === "away") this.#unsubscribe();
  }

  /** The server has ended the subscription on its own account. @param {Frame} frame */
  #excluded({ code, message }) {
    if (code === "forbidden" && this.state !== "idle") this.#refuse(new ParleyError(message, { status: 403, code }));
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
      const page = await this.#newest();
      if (round !== this.#round || (!(page instanceof ParleyError) && this.#take(page))) return;
      if (page instanceof ParleyError && !page.away && !page.broken) return this.#refuse(page);
      await this.#pause(attempt, page instanceof ParleyError ? page.retryAfter : null);
    }
  }

  /** @returns {Promise<Page | ParleyError>} */
  async #newest() {
    try {
      return await this.#http.page(this.#room, { limit: PAGE });
    } catch (error) {
      return asParleyError(error);
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
    await this.#pause(this.#refusals++, error.retryAfter);
    if (asked !== this.#asked || this.#cursor.phase !== "asked") return;
    if (error.code === "subscribed_already") this.#unsubscribe();
    this.join();
  }

  /** @param {ParleyError} error */
  #refuse(error) {
    this.#round++;
    this.#asked = 0;
    this.#cursor.leave();
    this.#stand("refused");
    this.emit("error", error);
  }

  /** @param {number} attempt @param {number | null} seconds  that the server has asked for @returns {Promise<void>} */
  #pause(attempt, seconds) {
    const ms = again(attempt, this.#platform.random(), seconds ?? 0);
    return new Promise((resolve) => void this.#platform.after(resolve, ms));
  }

  /** @param {RoomState} state */
  #stand(state) {
    if (state === this.state) return;
    this.state = state;
    this.emit("state", state);
  }
}
