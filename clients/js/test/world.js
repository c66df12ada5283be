/**
 * Time, network and server in one process: the server speaks the real protocol, and the clock jumps
 * to whatever happens next, so that hours of bad network pass in milliseconds.
 *
 * @import { Sign } from "../attention.js"
 * @import { News, Platform } from "../platform.js"
 * @import { Chance } from "./chance.js"
 */
import { Link } from "./link.js";
import { Lobby } from "./lobby.js";
import { Log } from "./log.js";

/**
 * @typedef {{at: number, work: () => void}} Task
 * @typedef {{kind: string, code: string, retryAfter?: number}} Refusal  kind: of request
 */

export class World {
  log = new Log("lobby");
  lobby = new Lobby(this);
  now = Date.UTC(2026, 10, 23);
  /** Probabilities of what goes wrong; `heal` ends it. */
  faults = { request: 0, answer: 0, frame: 0, forgets: 0, status: 503 };
  reachable = true;
  /** Posts are taken, and nobody hears of them. */
  degraded = false;
  /** What the next requests of a kind are answered. @type {Refusal[]} */
  refusals = [];
  /** After how many seconds the next who connect are told to come back. @type {number[]} */
  busy = [];
  /** What the next HTTP requests are answered. @type {Response[]} */
  answers = [];
  /** Tokens that clients have presented on a socket. @type {string[]} */
  tokens = [];
  /** What their devices are called. @type {string[]} */
  devices = [];
  /** What they have sent as `Authorization` over HTTP. @type {string[]} */
  authorizations = [];
  /** @type {Set<Link>} */
  links = new Set();
  /** @type {string[]} */
  requests = [];
  dice;
  /** Up to here everybody was told of the log before the server was degraded. */
  #dark = 0;
  /** @type {Set<Task>} */
  #tasks = new Set();

  /** @param {Chance} dice */
  constructor(dice) {
    this.dice = dice;
  }

  heal() {
    this.reachable = true;
    this.restore();
    this.refusals = [];
    this.lobby.recover();
    this.faults = { request: 0, answer: 0, frame: 0, forgets: 0, status: 503 };
  }

  /** @param {() => void} work @param {number} ms @returns {Task} */
  after(work, ms) {
    const task = { at: this.now + ms, work };
    this.#tasks.add(task);
    return task;
  }

  /** Some time on the wire. */
  latency() {
    return 1 + this.dice.whole(80);
  }

  /** Let everything happen that is going to, for at most this long. @param {number} ms */
  async pass(ms) {
    const end = this.now + ms;
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve));
      const task = [...this.#tasks].reduce((first, other) => (!first || other.at < first.at ? other : first), /** @type {Task | null} */ (null));
      if (!task || task.at > end) break;
      this.#tasks.delete(task);
      this.now = Math.max(this.now, task.at);
      task.work();
    }
    this.now = end;
  }

  /** @param {string} user @returns {Platform & {news: (news: News) => void, sign: (sign: Sign) => void}} */
  platform(user) {
    /** @type {Set<(news: News) => void>} */
    const listeners = new Set();
    /** @type {Set<(sign: Sign) => void>} */
    const watchers = new Set();
    return {
      socket: () => new Link(this, user),
      fetch: (url, options) => this.#fetch(user, new URL(url), options),
      after: (work, ms) => this.after(work, ms),
      cancel: (task) => void this.#tasks.delete(task),
      now: () => this.now,
      random: this.dice.random,
      uuid: () => `k${this.dice.whole(2 ** 30)}`,
      watch: (listener) => (listeners.add(listener), () => void listeners.delete(listener)),
      attend: (listener) => (watchers.add(listener), () => void watchers.delete(listener)),
      news: (news) => listeners.forEach((listener) => listener(news)),
      sign: (sign) => watchers.forEach((listener) => listener(sign)),
    };
  }

  /** Something happened in the log: push it. @param {() => void} change */
  change(change) {
    const before = this.log.head;
    change();
    if (!this.degraded) this.#push(before);
    this.lobby.tell();
  }

  /** @param {number} after  offset */
  #push(after) {
    for (const event of this.log.events.slice(after)) for (const link of this.links) link.push(event);
  }

  /** The server has lost what brings it events; they are in the log all the same. */
  degrade() {
    if (this.degraded) return;
    this.degraded = true;
    this.#dark = this.log.head;
    this.say({ type: "degraded" });
  }

  restore() {
    if (!this.degraded) return;
    this.degraded = false;
    this.#push(this.#dark);
    this.say({ type: "restored" });
  }

  /** The server goes away in order, and says when to come back. @param {number} retryAfter @param {number} [code] */
  drain(retryAfter, code = 4000) {
    for (const link of [...this.links]) link.retire(code, retryAfter);
  }

  /** To everybody. @param {object} frame */
  say(frame) {
    for (const link of this.links) link.deliver(frame);
  }

  /** Every socket breaks. @param {number} [code] @param {string} [reason] */
  cut(code = 1006, reason = "") {
    for (const link of [...this.links]) link.end(code, reason);
  }

  /** @param {string} user @param {URL} url @param {RequestInit} options @returns {Promise<Response>} */
  #fetch(user, url, options) {
    this.requests.push(`${options.method} ${url.pathname}`);
    this.authorizations.push(new Headers(options.headers).get("Authorization") ?? "");
    return new Promise((resolve, reject) => {
      const lost = () => reject(new TypeError("network error"));
      const arrive = () => {
        if (!this.reachable) return lost();
        const fault = this.dice.happens(this.faults.request);
        const answer = this.answers.shift() ?? (fault ? problem(this.faults.status) : this.#serve(user, url, options));
        this.after(this.dice.happens(this.faults.answer) ? lost : () => resolve(answer), this.latency());
      };
      this.after(arrive, this.latency());
    });
  }

  /** @param {string} user @param {URL} url @param {RequestInit} options */
  #serve(user, { pathname, searchParams }, { method, body }) {
    const content = body ? JSON.parse(String(body)) : null;
    const id = pathname.split("/").at(-1) ?? "";
    const before = searchParams.get("before");
    let answer = null;
    const members = pathname.endsWith("/members");
    if (members && method === "GET") return Response.json(this.log.members(searchParams.get("after") ?? "", Number(searchParams.get("limit"))));
    if (members) this.change(() => this.log.join(user));
    if (members) return Response.json({ user, name: user, avatar: null, joinedAt: "" });
    if (method === "GET") answer = this.log.page({ limit: Number(searchParams.get("limit")), ...(before ? { before: Number(before) } : {}) });
    if (method === "POST") this.change(() => (answer = this.log.post(user, content.body, content.clientId, content.urgent)));
    if (method === "PATCH") this.change(() => (answer = this.log.edit(id, content.body)));
    if (method === "DELETE") this.change(() => void this.log.remove(id));
    return answer ? Response.json(answer) : new Response(null, { status: 204 });
  }
}

/** @param {number} status @param {Record<string, string>} [headers] */
export function problem(status, headers = {}) {
  return Response.json({ type: "fault", title: "A fault.", detail: "It was made to fail." }, { status, headers });
}
