import { Emitter } from "./emitter.js";
import { Sender } from "./sender.js";
import { PAGE, Sync } from "./sync.js";
import * as timeline from "./timeline.js";

/**
 * @import { Comment, Frame, Item, Meta, Page, Pending, RoomEvent, User } from "./types.js"
 * @import { Connection } from "./connection.js"
 * @import { Http } from "./http.js"
 * @import { Outbox } from "./outbox.js"
 * @import { ParleyError } from "./errors.js"
 * @import { Platform } from "./platform.js"
 * @import { RoomState, Snapshot } from "./sync.js"
 *
 * @typedef {{connection: Connection, http: Http, outbox: Outbox, platform: Platform, user: User}} Parts
 */

/**
 * One room as one person sees it.
 *
 * `change`: `items` is new. `event`: each durable event, in order, once. `comment`: one was posted, by anyone.
 * `resync`: the server could not replay what was missed, so `items` was fetched afresh.
 * `error`: the server refuses the room; `subscribe` tries again.
 * @extends {Emitter<{change: void, event: RoomEvent, comment: Comment, state: RoomState, resync: void, error: ParleyError}>}
 */
export class Room extends Emitter {
  name;
  #parts;
  #sync;
  #sender;
  #timeline = timeline.empty();
  /** @type {Item[] | null} */
  #items = null;
  /** Counts what replaced the timeline: an older page asked for before that does not fit any more. */
  #snapshots = 0;
  /** @type {Promise<void> | null} */
  #older = null;

  /** @param {string} name @param {Parts} parts */
  constructor(name, parts) {
    super();
    this.name = name;
    this.#parts = parts;
    this.#sender = new Sender(name, parts, { sent: (comment) => this.#sent(comment), failed: () => this.#changed() });
    this.#sync = new Sync(name, parts);
    this.#sync.on("snapshot", (snapshot) => this.#replace(snapshot));
    this.#sync.on("events", (events) => this.#apply(events));
    this.#sync.on("state", (state) => this.emit("state", state));
    this.#sync.on("error", (error) => this.emit("error", error));
  }

  /** @returns {RoomState} */
  get state() {
    return this.#sync.state;
  }

  /** @returns {readonly Item[]} confirmed comments by offset, then own ones on their way */
  get items() {
    const { outbox, user } = this.#parts;
    this.#items ??= timeline.items(this.#timeline, outbox.pending(this.name), user);
    return this.#items;
  }

  /** There are older comments than those in `items`. */
  get hasOlder() {
    return this.#timeline.floor !== null && !this.#timeline.complete;
  }

  subscribe() {
    this.#sync.start();
    this.#sender.kick();
  }

  unsubscribe() {
    this.#sync.stop();
    this.#sender.stop();
  }

  /**
   * @param {string} body
   * @param {{imageMeta?: Meta, videoMeta?: Meta}} [meta]
   * @returns {Pending} already in `items`, and stored until the server has confirmed it
   */
  post(body, meta = {}) {
    const { outbox, platform } = this.#parts;
    const createdAt = new Date(platform.now()).toISOString();
    const entry = outbox.add({ clientId: platform.uuid(), room: this.name, body, createdAt, ...meta });
    this.#changed();
    this.#sender.kick();
    return entry;
  }

  /** Send a failed post again. @param {string} clientId */
  retry(clientId) {
    this.#parts.outbox.retry(clientId);
    this.#changed();
    this.#sender.kick();
  }

  /** Give a failed post up. @param {string} clientId */
  discard(clientId) {
    if (this.#parts.outbox.remove(clientId)) this.#changed();
  }

  /** @param {string} id @param {string} body @throws {ParleyError} */
  async edit(id, body) {
    const comment = await this.#parts.http.edit(id, body);
    this.#show(timeline.edited(this.#timeline, comment));
  }

  /** @param {string} id @throws {ParleyError} */
  async remove(id) {
    await this.#parts.http.remove(id);
    this.#show(timeline.removed(this.#timeline, id, new Date(this.#parts.platform.now()).toISOString()));
  }

  /**
   * A page of history as the server has it; `items` stays as it is.
   * @param {{before?: number, limit?: number}} [range]
   * @returns {Promise<Page>}
   */
  history(range) {
    return this.#parts.http.page(this.name, range);
  }

  /** Add the page before the oldest comment to `items`. @returns {Promise<void>} throws `ParleyError` */
  older() {
    if (!this.hasOlder) return Promise.resolve();
    this.#older ??= this.#extend().finally(() => (this.#older = null));
    return this.#older;
  }

  /** @param {boolean} connected  the connection has come or gone */
  connection(connected) {
    if (!connected) return this.#sync.leave();
    this.#sync.join();
    this.#sender.kick();
  }

  /** Ask the server for what we may have missed, on a connection that has been silent. */
  refresh() {
    this.#sync.rejoin();
    this.#sender.kick();
  }

  /** @param {Frame} frame */
  receive(frame) {
    this.#sync.receive(frame);
  }

  async #extend() {
    const snapshot = this.#snapshots;
    this.#timeline = timeline.expect(this.#timeline);
    try {
      const page = await this.history({ before: this.#timeline.floor ?? undefined, limit: PAGE });
      if (snapshot === this.#snapshots) this.#show(timeline.older(this.#timeline, page));
    } finally {
      this.#timeline = timeline.giveUp(this.#timeline);
    }
  }

  /** @param {Snapshot} snapshot */
  #replace({ page, sameEpoch, again, events }) {
    this.#snapshots++;
    this.#timeline = timeline.replace(this.#timeline, page, sameEpoch);
    for (const { author, clientId } of page.comments) this.#settle(author, clientId);
    this.#apply(events);
    if (again) this.emit("resync", undefined);
  }

  /** @param {RoomEvent[]} events */
  #apply(events) {
    this.#timeline = events.reduce(timeline.apply, this.#timeline);
    for (const { actor, clientId } of events) this.#settle(actor, clientId);
    this.#changed();
    for (const event of events) this.#announce(event);
  }

  /** @param {RoomEvent} event */
  #announce(event) {
    this.emit("event", event);
    const comment = event.type === "comment.posted" && this.#timeline.entries.get(event.comment)?.comment;
    if (comment) this.emit("comment", comment);
  }

  /** It is in the log: no need to send it again. @param {string} author @param {string | null} [clientId] */
  #settle(author, clientId) {
    if (author === this.#parts.user.id) this.#parts.outbox.remove(clientId ?? null);
  }

  /** @param {Comment} comment */
  #sent(comment) {
    this.#show(timeline.confirm(this.#timeline, comment));
    this.#sync.awaitEcho(comment.offset);
  }

  /** @param {timeline.Timeline} next */
  #show(next) {
    this.#timeline = next;
    this.#changed();
  }

  #changed() {
    this.#items = null;
    this.emit("change", undefined);
  }
}
