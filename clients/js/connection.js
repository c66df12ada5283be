import { again } from "./backoff.js";
import { Emitter } from "./emitter.js";
import { ParleyError, asParleyError } from "./errors.js";
import { connect, mayReturn, parse, refresh } from "./protocol.js";

/**
 * @import { Frame } from "./types.js"
 * @import { Tokens } from "./tokens.js"
 * @import { Platform, Socket } from "./platform.js"
 *
 * @typedef {"idle" | "connecting" | "connected" | "waiting" | "closed"} State
 *   waiting: for the next attempt; closed: by us, or by the server for good.
 * @typedef {object} Standing
 * @property {State} state
 * @property {number | null} retryAt  milliseconds since 1970
 * @property {string | null} reason
 * @property {boolean} planned  waiting because the server, which stops or is busy, has asked for it: nothing is wrong
 * @property {boolean} degraded  connected, but for now nothing of what happens reaches the server: it comes later
 *
 * @typedef {{resolve: (frame: Frame) => void, reject: (error: ParleyError) => void, timer: unknown}} Waiter
 */

// Browsers do not show the server's pings. An answer that takes longer than this is taken for a dead socket.
const ANSWER_TIMEOUT_MS = 10_000;
// A connection that ends sooner counts as failed: a server that accepts and closes at once is not asked on and on.
const STEADY_MS = 10_000;
/** @type {Standing} */
const IDLE = { state: "idle", retryAt: null, reason: null, planned: false, degraded: false };

/**
 * One socket at a time, and another one whenever it ends without having been told not to.
 * @extends {Emitter<{standing: Standing, frame: Frame, error: ParleyError}>}
 */
export class Connection extends Emitter {
  /** @type {Standing} */
  standing = IDLE;
  /** The token that the server has taken, or is deciding on. @type {string | null} */
  token = null;
  /** When something last came from the server; milliseconds since 1970. */
  heard = 0;
  #url;
  #tokens;
  #device;
  #platform;
  /** @type {Socket | null} */
  #socket = null;
  /** @type {Map<number, Waiter>} */
  #waiters = new Map();
  /** @type {unknown} */
  #timer = null;
  /** What the server asked for before another attempt. @type {{seconds: number, planned: boolean} | null} */
  #told = null;
  #welcomed = Infinity;
  #attempts = 0;
  #ids = 0;

  /** @param {string} url @param {Tokens} tokens @param {string} device  the name of this one @param {Platform} platform */
  constructor(url, tokens, device, platform) {
    super();
    this.#url = url;
    this.#tokens = tokens;
    this.#device = device;
    this.#platform = platform;
  }

  get connected() {
    return this.standing.state === "connected";
  }

  /** Connect now: at first, or without waiting any longer. */
  open() {
    if (this.standing.state === "connecting" || this.connected) return;
    this.#platform.cancel(this.#timer);
    this.#told = null;
    this.#welcomed = Infinity;
    this.#stand("connecting");
    const socket = this.#platform.socket(this.#url);
    this.#socket = socket;
    this.#timer = this.#platform.after(() => this.drop("the server does not answer"), ANSWER_TIMEOUT_MS);
    socket.onopen = () => this.#hello(socket);
    socket.onmessage = ({ data }) => this.#socket === socket && this.#receive(data);
    socket.onclose = ({ code, reason }) => this.#socket === socket && this.#ended(code, reason ?? "");
  }

  /** For good, until `open`. */
  close() {
    this.#end();
    this.#stand("closed");
  }

  /** This socket is not to be trusted any more: take another. @param {string} reason */
  drop(reason) {
    if (this.#socket) this.#ended(1006, reason);
  }

  /**
   * @param {(id: number) => string} encode
   * @returns {Promise<Frame>} the answer; throws `ParleyError` if it is an error, or if the socket ends first
   */
  request(encode) {
    const id = ++this.#ids;
    return new Promise((resolve, reject) => {
      const timer = this.#platform.after(() => this.drop("a request was not answered"), ANSWER_TIMEOUT_MS);
      this.#waiters.set(id, { resolve, reject, timer });
      if (this.#socket) this.#socket.send(encode(id));
      else this.#settle(id, (waiter) => waiter.reject(new ParleyError("not connected")));
    });
  }

  /** Go on with this token. @param {string} token */
  async refresh(token) {
    await this.request((id) => refresh(id, token));
    this.token = token;
  }

  /** The answer to this request is not wanted any more, so its absence means nothing. @param {number} id */
  forget(id) {
    this.#settle(id, ({ reject }) => reject(new ParleyError("not wanted any more")));
  }

  /** @param {Socket} socket */
  async #hello(socket) {
    try {
      const token = await this.#tokens.fresh();
      if (this.#socket !== socket) return;
      this.token = token;
      await this.request((id) => connect(id, token, this.#device));
    } catch (error) {
      // After a refusal the server closes, with a code that says whether to come back: that is waited for.
      if (this.#socket === socket) this.emit("error", asParleyError(error));
    }
  }

  /** @param {unknown} data */
  #receive(data) {
    this.heard = this.#platform.now();
    const frame = parse(data);
    if (!frame) return;
    this.#heed(frame);
    this.emit("frame", frame);
    if (frame.type === "error" && frame.id === undefined && frame.room === undefined) this.emit("error", refusal(frame));
    if (frame.id !== undefined) this.#answer(frame.id, frame);
  }

  /** What is about the connection itself. @param {Frame} frame */
  #heed({ type, code, retryAfter = 0 }) {
    if (type === "connected") this.#welcome();
    if (this.connected && (type === "degraded" || type === "restored")) this.#stand("connected", { degraded: type === "degraded" });
    if (type === "closing") this.#told = { seconds: retryAfter, planned: true };
    if (type === "error" && code === "too_many_requests") this.#told = { seconds: retryAfter, planned: false };
  }

  #welcome() {
    this.#welcomed = this.#platform.now();
    this.#stand("connected");
  }

  /** @param {number} id @param {Frame} frame */
  #answer(id, frame) {
    this.#settle(id, ({ resolve, reject }) => (frame.type === "error" ? reject(refusal(frame)) : resolve(frame)));
  }

  /** @param {number} id @param {(waiter: Waiter) => void} outcome */
  #settle(id, outcome) {
    const waiter = this.#waiters.get(id);
    if (!waiter) return;
    this.#waiters.delete(id);
    this.#platform.cancel(waiter.timer);
    outcome(waiter);
  }

  /** @param {number} code @param {string} reason */
  #ended(code, reason) {
    this.#end();
    if (!mayReturn(code)) return this.#stand("closed", { reason: reason || `the server closed the connection (${code})` });
    const { seconds, planned } = this.#told ?? { seconds: 0, planned: false };
    const now = this.#platform.now();
    if (now - this.#welcomed > STEADY_MS) this.#attempts = 0;
    const ms = again(this.#attempts, this.#platform.random(), seconds);
    if (!planned) this.#attempts++;
    this.#timer = this.#platform.after(() => this.open(), ms);
    this.#stand("waiting", { retryAt: now + ms, reason, planned });
  }

  #end() {
    const socket = this.#socket;
    this.#socket = null;
    this.#platform.cancel(this.#timer);
    for (const id of [...this.#waiters.keys()]) this.#settle(id, ({ reject }) => reject(new ParleyError("the connection was lost")));
    socket?.close();
  }

  /** @param {State} state @param {Partial<Standing>} [more] */
  #stand(state, more) {
    if (state === "connected") this.#platform.cancel(this.#timer);
    this.standing = { ...IDLE, state, ...more };
    this.emit("standing", this.standing);
  }
}

/** @param {Frame} frame */
function refusal({ code = "", message, retryAfter = null }) {
  return new ParleyError(message || code || "the server refused", { status: 400, code, retryAfter });
}
