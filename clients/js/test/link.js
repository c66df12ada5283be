/**
 * @import { Socket } from "../platform.js"
 * @import { Position, RoomEvent } from "../types.js"
 * @import { Refusal, World } from "./world.js"
 */

/**
 * One socket, both ends.
 * @implements {Socket}
 */
export class Link {
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

  /** Told when to come back, then closed. @param {number} code @param {number} retryAfter */
  retire(code, retryAfter) {
    this.deliver({ type: "closing", code, message: "as told", retryAfter });
    this.#carry("down", () => this.end(code, "as told"));
  }

  /** @param {RoomEvent} event */
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
  #serve({ id, type, room, since, token }) {
    const world = this.#world;
    world.requests.push(type);
    if (token !== undefined) world.tokens.push(token);
    if (world.refusals[0]?.kind === type) return this.#refuse(id, world.refusals.shift());
    if (type === "connect") this.#greet(id);
    if (type === "refresh") this.deliver({ id, type: "refreshed", seconds: 3600 });
    if (type === "unsubscribe") this.#subscribed = false;
    if (type === "unsubscribe") this.deliver({ id, type: "unsubscribed", room });
    if (type === "subscribe" && this.#subscribed) this.#refuse(id, { code: "subscribed_already" });
    else if (type === "subscribe") this.#subscribe(id, since);
  }

  /** @param {number} id */
  #greet(id) {
    const busy = this.#world.busy.shift();
    if (busy !== undefined) return this.retire(4006, busy);
    this.deliver({ id, type: "connected", connection: "c1", user: "", ping: 25 });
    if (this.#world.degraded) this.deliver({ type: "degraded" });
  }

  /** @param {number} id @param {Partial<Refusal>} [refusal] */
  #refuse(id, { code, retryAfter } = {}) {
    this.deliver({ id, type: "error", code, message: "as told", room: this.#world.log.room, retryAfter });
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
