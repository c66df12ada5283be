/**
 * Time, network and server in one process: the server speaks the real protocol, and the clock jumps
 * to whatever happens next, so that hours of bad network pass in milliseconds.
 *
 * @import { Platform, Socket } from "../platform.js"
 * @import { Position } from "../types.js"
 * @import { Chance } from "./chance.js"
 */
import { Log } from "./log.js";

/** @typedef {{at: number, work: () => void}} Task */

export class World {
  log = new Log("lobby");
  now = Date.UTC(2026, 10, 23);
  /** Probabilities of what goes wrong; `heal` ends it. */
  faults = { request: 0, answer: 0, frame: 0, forgets: 0, status: 503 };
  reachable = true;
  /** @type {Set<Link>} */
  links = new Set();
  /** @type {string[]} */
  requests = [];
  dice;
  /** @type {Set<Task>} */
  #tasks = new Set();

  /** @param {Chance} dice */
  constructor(dice) {
    this.dice = dice;
  }

  heal() {
    this.reachable = true;
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

  /** @param {string} user @returns {Platform & {news: (news: "online" | "offline" | "visible") => void}} */
  platform(user) {
    /** @type {Set<(news: "online" | "offline" | "visible") => void>} */
    const listeners = new Set();
    return {
      socket: () => new Link(this),
      fetch: (url, options) => this.#fetch(user, new URL(url), options),
      after: (work, ms) => this.after(work, ms),
      cancel: (task) => void this.#tasks.delete(task),
      now: () => this.now,
      random: this.dice.random,
      uuid: () => `k${this.dice.whole(2 ** 30)}`,
      watch: (listener) => (listeners.add(listener), () => void listeners.delete(listener)),
      news: (news) => listeners.forEach((listener) => listener(news)),
    };
  }

  /** Something happened in the log: push it. @param {() => void} change */
  change(change) {
    const before = this.log.head;
    change();
    for (const event of this.log.events.slice(before)) for (const link of this.links) link.push(event);
  }

  /** Every socket breaks. @param {number} [code] @param {string} [reason] */
  cut(code = 1006, reason = "") {
    for (const link of [...this.links]) link.end(code, reason);
  }

  /** @param {string} user @param {URL} url @param {RequestInit} options @returns {Promise<Response>} */
  #fetch(user, url, options) {
    this.requests.push(`${options.method} ${url.pathname}`);
    return new Promise((resolve, reject) => {
      const lost = () => reject(new TypeError("network error"));
      const arrive = () => {
        if (!this.reachable) return lost();
        const fault = this.dice.happens(this.faults.request);
        const answer = fault ? problem(this.faults.status) : this.#serve(user, url, options);
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
    if (method === "GET") answer = this.log.page({ limit: Number(searchParams.get("limit")), ...(before ? { before: Number(before) } : {}) });
    if (method === "POST") this.change(() => (answer = this.log.post(user, content.body, content.clientId)));
    if (method === "PATCH") this.change(() => (answer = this.log.edit(id, content.body)));
    if (method === "DELETE") this.change(() => void this.log.remove(id));
    return answer ? Response.json(answer) : new Response(null, { status: 204 });
  }
}

/** @param {number} status */
function problem(status) {
  return Response.json({ type: "fault", title: "A fault.", detail: "It was made to fail." }, { status });
}

/**
 * One socket, both ends.
 * @implements {Socket}
 */
class Link {
  /** @type {Socket["onopen"]} */
  onopen = null;
  /** @type {Socket["onmessage"]} */
  onmessage = null;
  /** @type {Socket["onclose"]} */
  onclose = null;
  open = true;
  #world;
  #subscribed = false;
  /** When the last frame arrives, there and back: they stay in order. */
  #last = { up: 0, down: 0 };

  /** @param {World} world */
  constructor(world) {
    this.#world = world;
    const arrive = () => (world.reachable ? this.#accept() : this.end(1006, ""));
    world.after(arrive, world.latency());
  }

  /** @param {string} data */
  send(data) {
    this.#carry("up", () => this.#serve(JSON.parse(data)));
  }

  close() {
    this.open = false;
    this.#world.links.delete(this);
  }

  /** @param {number} code @param {string} reason */
  end(code, reason) {
    if (!this.open) return;
    this.close();
    this.onclose?.({ code, reason });
  }

  /** @param {import("../types.js").RoomEvent} event */
  push(event) {
    if (!this.#subscribed || this.#world.dice.happens(this.#world.faults.frame)) return;
    this.deliver({ type: "event", room: event.room, offset: event.offset, event });
  }

  /** @param {object} frame */
  deliver(frame) {
    this.#carry("down", () => this.onmessage?.({ data: JSON.stringify(frame) }));
  }

  /** @param {"up" | "down"} way @param {() => void} arrive */
  #carry(way, arrive) {
    const world = this.#world;
    this.#last[way] = Math.max(this.#last[way], world.now + world.latency());
    world.after(() => this.open && arrive(), this.#last[way] - world.now);
  }

  #accept() {
    if (!this.open) return;
    this.#world.links.add(this);
    this.onopen?.({});
  }

  /** @param {{id: number, type: string, room: string, since?: Position, token?: string}} frame */
  #serve({ id, type, room, since }) {
    this.#world.requests.push(type);
    if (type === "connect") this.deliver({ id, type: "connected", connection: "c1", user: "", ping: 25 });
    if (type === "unsubscribe") this.#subscribed = false;
    if (type === "unsubscribe") this.deliver({ id, type: "unsubscribed", room });
    if (type === "subscribe") this.#subscribe(id, since);
  }

  /** @param {number} id @param {Position} [since] */
  #subscribe(id, since) {
    const { log, dice, faults } = this.#world;
    const recovered = since?.epoch === log.epoch && since.offset <= log.head && !dice.happens(faults.forgets);
    this.#subscribed = true;
    this.deliver({ id, type: "subscribed", room: log.room, epoch: log.epoch, offset: log.head, recovered, presence: null, receipts: null });
    if (recovered) for (const event of log.events.slice(since?.offset)) this.push(event);
  }
}
