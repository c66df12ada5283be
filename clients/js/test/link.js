/**
 * @import { Socket } from "../platform.js"
 * @import { Activity, Frame, Position, RoomEvent } from "../types.js"
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
  user;
  subscribed = false;
  /** @type {Activity} */
  activity = "active";
  /** Of whom it is told in a large room. @type {string[]} */
  follows = [];
  /** What it was told that is not read, as JSON; null: it does not watch. @type {string | null} */
  told = null;
  #world;
  /** When the last frame arrives, there and back: they stay in order. */
  #last = { up: 0, down: 0 };

  /** @param {World} world @param {string} user */
  constructor(world, user) {
    this.#world = world;
    this.user = user;
    const arrive = () => (world.reachable ? this.#accept() : this.end(1006, ""));
    world.after(arrive, world.latency());
  }

  /** @param {string} data */
  send(data) {
    this.#carry("up", () => this.#serve(JSON.parse(data)));
  }

  close() {
    this.open = false;
    if (this.#world.links.delete(this)) this.#leave();
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
    if (!this.subscribed || this.#world.dice.happens(this.#world.faults.frame)) return;
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

  #leave() {
    if (!this.subscribed) return;
    this.subscribed = false;
    this.#world.lobby.moved(this, false);
  }

  /** @param {Frame & {id: number}} frame */
  #serve(frame) {
    const { id, type, room, since, token, device } = frame;
    const world = this.#world;
    const refusal = world.refusals[0]?.kind === type ? world.refusals.shift() : null;
    const answer = refusal ? null : world.lobby.serve(this, frame);
    if (answer) return this.deliver({ id, ...answer });
    world.requests.push(type);
    if (device !== undefined) world.devices.push(device);
    if (token !== undefined) world.tokens.push(token);
    if (refusal) return this.#refuse(id, refusal);
    if (type === "connect") this.#greet(id);
    if (type === "refresh") this.deliver({ id, type: "refreshed", seconds: 3600 });
    if (type === "unsubscribe") this.#leave();
    if (type === "unsubscribe") this.deliver({ id, type: "unsubscribed", room });
    if (type === "subscribe" && this.subscribed) this.#refuse(id, { code: "subscribed_already" });
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
    const { log, lobby, dice, faults } = this.#world;
    const recovered = since?.epoch === log.epoch && since.offset <= log.head && !dice.happens(faults.forgets);
    this.subscribed = true;
    const ambience = { presence: lobby.presence(), receipts: lobby.receipts() };
    this.deliver({ id, type: "subscribed", room: log.room, epoch: log.epoch, offset: log.head, recovered, ...ambience });
    lobby.moved(this, true);
    if (recovered) for (const event of log.events.slice(since?.offset)) this.push(event);
  }
}
