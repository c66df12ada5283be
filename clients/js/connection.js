import { backoff } from "./backoff.js";
import { Emitter } from "./emitter.js";
import { ParleyError, asParleyError } from "./errors.js";
import { closing, connect, parse } from "./protocol.js";

/**
 * @import { Frame } from "./types.js"
 * @import { Tokens } from "./tokens.js"
 * @import { Platform, Socket } from "./platform.js"
 *
 * @typedef {"idle" | "connecting" | "connected" | "waiting" | "closed"} State
 *   waiting: for the next attempt; closed: by us, or by the server for good.
 * @typedef {{state: State, retryAt: number | null, reason: string | null}} Standing
 *   retryAt: milliseconds since 1970
 * @typedef {{resolve: (frame: Frame) => void, reject: (error: ParleyError) => void, timer: unknown}} Waiter
 */

// Browsers do not show the server's pings. An answer that takes longer than this is taken for a dead socket.
const ANSWER_TIMEOUT_MS = 10_000;

/**
 * One socket at a time, and another one whenever it ends without having been told not to.
 * @extends {Emitter<{standing: Standing, frame: Frame, error: ParleyError}>}
 */
export class Connection extends Emitter {
  /** @type {Standing} */
  standing = { state: "idle", retryAt: null, reason: null };
  /** When something last came from the server; milliseconds since 1970. */
  heard = 0;
  #url;
  #tokens;
  #platform;
  /** @type {Socket | null} */
  #socket = null;
  /** @type {Map<number, Waiter>} */
  #waiters = new Map();
  /** @type {unknown} */
  #timer = null;
  /** What the last error asked for before another attempt: seconds. @type {number | null} */
  #pause = null;
  #attempts = 0;
  #ids = 0;

  /** @param {string} url @param {Tokens} tokens @param {Platform} platform */
  constructor(url, tokens, platform) {
    super();
    this.#url = url;
    this.#tokens = tokens;
    this.#platform = platform;
  }

  get connected() {
    return this.standing.state === "connected";
  }

  /** Connect now: at first, or without waiting any longer. */
  open() {
    if (this.standing.state === "connecting" || this.connected) return;
    this.#platform.cancel(this.#timer);
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

  /** The answer to this request is not wanted any more, so its absence means nothing. @param {number} id */
  forget(id) {
    this.#settle(id, ({ reject }) => reject(new ParleyError("not wanted any more")));
  }

  /** @param {Socket} socket */
  async #hello(socket) {
    try {
      const token = await this.#tokens.fresh();
      if (this.#socket === socket) await this.request((id) => connect(id, token));
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
    if (frame.type === "connected") this.#welcomed();
    if (frame.type === "error") this.#pause = frame.retryAfter ?? null;
    this.emit("frame", frame);
    if (frame.type === "error" && frame.id === undefined) this.emit("error", refusal(frame));
    if (frame.id !== undefined) this.#answer(frame.id, frame);
  }

  #welcomed() {
    this.#attempts = 0;
    this.#pause = null;
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
    const { reconnect, retryAfter } = closing(code, reason);
    if (!reconnect) return this.#stand("closed", null, reason || `the server closed the connection (${code})`);
    const ms = (retryAfter ?? this.#pause ?? 0) * 1000 + backoff(this.#attempts++, this.#platform.random());
    this.#timer = this.#platform.after(() => this.open(), ms);
    this.#stand("waiting", this.#platform.now() + ms, reason);
  }

  #end() {
    const socket = this.#socket;
    this.#socket = null;
    this.#platform.cancel(this.#timer);
    for (const id of [...this.#waiters.keys()]) this.#settle(id, ({ reject }) => reject(new ParleyError("the connection was lost")));
    socket?.close();
  }

  /** @param {State} state @param {number | null} [retryAt] @param {string | null} [reason] */
  #stand(state, retryAt = null, reason = null) {
    if (state === "connected") this.#platform.cancel(this.#timer);
    this.standing = { state, retryAt, reason };
    this.emit("standing", this.standing);
  }
}

/** @param {Frame} frame */
function refusal({ code = "", message, retryAfter = null }) {
  return new ParleyError(message || code || "the server refused", { status: 400, code, retryAfter });
}
