import { Emitter } from "./emitter.js";
import { Sender } from "./sender.js";
import { PAGE } from "./sync.js";
import * as timeline from "./timeline.js";

/**
 * @import { Comment, Item, Meta, Pending, RoomEvent, User } from "./types.js"
 * @import { Http } from "./http.js"
 * @import { Outbox } from "./outbox.js"
 * @import { Platform } from "./platform.js"
 * @import { Reach } from "./reach.js"
 * @import { Snapshot } from "./sync.js"
 */

/**
 * One room's comments, and what this person does to them.
 *
 * `change`: `items` is new. `sent`: a post has been confirmed.
 * @extends {Emitter<{change: void, sent: Comment}>}
 */
export class Comments extends Emitter {
  #room;
  #parts;
  #reach;
  #sender;
  #timeline = timeline.empty();
  /** @type {Item[] | null} */
  #items = null;
  /** Counts what replaced the timeline: an older page asked for before that does not fit any more. */
  #snapshots = 0;
  /** @type {Promise<void> | null} */
  #older = null;

  /**
   * @param {string} room
   * @param {{http: Http, outbox: Outbox, platform: Platform, user: User}} parts
   * @param {() => ((offset: number) => Reach) | null} reach  what became of own comments
   */
  constructor(room, parts, reach) {
    super();
    this.#room = room;
    this.#parts = parts;
    this.#reach = reach;
    this.#sender = new Sender(room, parts, { sent: (comment) => this.#sent(comment), failed: () => this.changed() });
  }

  /** @returns {readonly Item[]} */
  get items() {
    const { outbox, user } = this.#parts;
    this.#items ??= timeline.items(this.#timeline, outbox.pending(this.#room), user, this.#reach());
    return this.#items;
  }

  get hasOlder() {
    return this.#timeline.floor !== null && !this.#timeline.complete;
  }

  /** @param {number} read  offset @returns {number | null} comments of others after it; null: not all are loaded */
  unread(read) {
    return timeline.unread(this.#timeline, read, this.#parts.user);
  }

  /** @param {string} id @returns {Comment | undefined} */
  find(id) {
    return this.#timeline.entries.get(id)?.comment;
  }

  /** What waits to be sent may be sent. */
  kick() {
    this.#sender.kick();
  }

  stop() {
    this.#sender.stop();
  }

  /** @param {string} body @param {{imageMeta?: Meta, videoMeta?: Meta, urgent?: boolean}} more @returns {Pending} */
  post(body, more) {
    const { outbox, platform } = this.#parts;
    const createdAt = new Date(platform.now()).toISOString();
    const entry = outbox.add({ clientId: platform.uuid(), room: this.#room, body, createdAt, ...more });
    this.changed();
    this.kick();
    return entry;
  }

  /** @param {string} clientId */
  retry(clientId) {
    this.#parts.outbox.retry(clientId);
    this.changed();
    this.kick();
  }

  /** @param {string} clientId */
  discard(clientId) {
    if (this.#parts.outbox.remove(clientId)) this.changed();
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

  /** Add the page before the oldest comment. @returns {Promise<void>} throws `ParleyError` */
  older() {
    if (!this.hasOlder) return Promise.resolve();
    this.#older ??= this.#extend().finally(() => (this.#older = null));
    return this.#older;
  }

  /** @param {Snapshot} snapshot */
  replace({ page, sameEpoch }) {
    this.#snapshots++;
    this.#timeline = timeline.replace(this.#timeline, page, sameEpoch);
    for (const { author, clientId } of page.comments) this.#settle(author, clientId);
  }

  /** @param {RoomEvent[]} events */
  apply(events) {
    this.#timeline = events.reduce(timeline.apply, this.#timeline);
    for (const { actor, clientId } of events) this.#settle(actor, clientId);
    this.changed();
  }

  changed() {
    this.#items = null;
    this.emit("change", undefined);
  }

  async #extend() {
    const snapshot = this.#snapshots;
    this.#timeline = timeline.expect(this.#timeline);
    try {
      const page = await this.#parts.http.page(this.#room, { before: this.#timeline.floor ?? undefined, limit: PAGE });
      if (snapshot === this.#snapshots) this.#show(timeline.older(this.#timeline, page));
    } finally {
      this.#timeline = timeline.giveUp(this.#timeline);
    }
  }

  /** It is in the log: no need to send it again. @param {string} author @param {string | null} [clientId] */
  #settle(author, clientId) {
    if (author === this.#parts.user.id) this.#parts.outbox.remove(clientId ?? null);
  }

  /** @param {Comment} comment */
  #sent(comment) {
    this.#show(timeline.confirm(this.#timeline, comment));
    this.emit("sent", comment);
  }

  /** @param {timeline.Timeline} next */
  #show(next) {
    this.#timeline = next;
    this.changed();
  }
}
