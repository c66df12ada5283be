import { Comments } from "./comments.js";
import { Company } from "./company.js";
import { Emitter } from "./emitter.js";
import { Progress } from "./progress.js";
import { Sync } from "./sync.js";

/**
 * @import { Frame, Item, Member, MemberPage, Meta, Page, Parts, Pending, Presence, Present, Receipts, RoomEvent, RoomNews, Typist } from "./types.js"
 * @import { RoomState, Snapshot } from "./sync.js"
 */

/**
 * One room as one person sees it. While the connection is away, it shows what it had.
 * @extends {Emitter<RoomNews>}
 */
export class Room extends Emitter {
  name;
  #parts;
  #sync;
  #comments;
  #company;
  #progress;

  /** @param {string} name @param {Parts} parts */
  constructor(name, parts) {
    super();
    this.name = name;
    this.#parts = parts;
    this.#sync = new Sync(name, parts);
    this.#company = new Company(name, parts);
    this.#progress = new Progress(name, parts, () => this.#sync.position);
    this.#comments = new Comments(name, parts, () => this.#progress.reach);
    this.#listen();
    this.#forward();
  }

  /** @returns {RoomState} */
  get state() {
    return this.#sync.state;
  }

  /** @returns {readonly Item[]} confirmed comments by offset, then own ones on their way */
  get items() {
    return this.#comments.items;
  }

  /** There are older comments than those in `items`. */
  get hasOlder() {
    return this.#comments.hasOlder;
  }

  /** @returns {Presence | null} who is here, this person too; null: not known */
  get presence() {
    return this.#company.presence;
  }

  /** @returns {readonly Typist[]} who else types now; who began first comes first */
  get typists() {
    return this.#company.typists;
  }

  /** @returns {Receipts | null} how far the members are; null: not known */
  get receipts() {
    return this.#progress.receipts;
  }

  /** @returns {number | null} up to this offset this person has read, on any of their devices; null: not known */
  get readUpTo() {
    return this.#progress.upTo;
  }

  /**
   * New with `change`, `read` and Parley's `unread`.
   * @returns {number | null} comments of others after `readUpTo` that still exist; null: not known
   */
  get unread() {
    const counted = this.readUpTo === null ? null : this.#comments.unread(this.readUpTo);
    return counted ?? this.#parts.unread.rooms.get(this.name)?.unread ?? null;
  }

  subscribe() {
    this.#sync.start();
    this.#comments.kick();
  }

  unsubscribe() {
    this.#sync.stop();
    this.#comments.stop();
    this.#company.leave();
  }

  /**
   * @param {string} body
   * @param {{imageMeta?: Meta, videoMeta?: Meta, urgent?: boolean}} [more]  urgent: quiet hours do not hold its pushes back; for moderators
   * @returns {Pending} already in `items`, and stored until the server has confirmed it
   */
  post(body, more = {}) {
    return this.#comments.post(body, more);
  }

  /** Send a failed post again. @param {string} clientId */
  retry(clientId) {
    this.#comments.retry(clientId);
  }

  /** Give a failed post up. @param {string} clientId */
  discard(clientId) {
    this.#comments.discard(clientId);
  }

  /** @param {string} id @param {string} body @returns {Promise<void>} throws `ParleyError` */
  edit(id, body) {
    return this.#comments.edit(id, body);
  }

  /** @param {string} id @returns {Promise<void>} throws `ParleyError` */
  remove(id) {
    return this.#comments.remove(id);
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
    return this.#comments.older();
  }

  /**
   * They have read up to here: it was on their screen. Forwards only; told to the server soon, or once it is back.
   * @param {number} [offset]  of a comment; without one, all that has come
   */
  markRead(offset = this.#sync.reached) {
    this.#progress.read(offset);
  }

  /** They have just typed: call it at each keystroke, the others are told at most once a second. */
  typing() {
    if (this.state === "live") this.#company.type();
  }

  /** Tell the others in passing. @param {string} name @param {unknown} [data]  JSON @returns {Promise<void>} throws `ParleyError` */
  signal(name, data = null) {
    return this.#company.signal(name, data);
  }

  /** @param {string} user @returns {boolean | null} whether they are here; null: not known, as in a large room until asked for */
  here(user) {
    return this.#company.here(user);
  }

  /**
   * Who of these is here, and since when those who are not are away. In a large room these are followed from now on.
   * @param {string[]} users  100 at most
   * @returns {Promise<Present[]>} throws `ParleyError`
   */
  askPresence(users) {
    return this.#company.ask(users);
  }

  /** Become a member. @returns {Promise<Member>} throws `ParleyError` */
  join() {
    return this.#parts.http.join(this.name);
  }

  /** @param {{after?: string, limit?: number}} [range]  after: a user id @returns {Promise<MemberPage>} throws `ParleyError` */
  members(range) {
    return this.#parts.http.members(this.name, range);
  }

  /** @param {boolean} connected  the connection has come or gone */
  connection(connected) {
    if (!connected) return this.#sync.leave();
    this.#sync.join();
    this.#comments.kick();
  }

  /** Ask the server for what we may have missed, on a connection that has been silent. */
  refresh() {
    this.#sync.rejoin();
    this.#comments.kick();
  }

  /** @param {Frame} frame */
  receive(frame) {
    if (this.state !== "idle" && this.state !== "refused") {
      if (frame.type === "subscribed") this.#begin(frame.epoch);
      this.#company.receive(frame);
      this.#progress.receive(frame);
    }
    this.#sync.receive(frame);
    if (frame.type === "subscribed") this.#progress.kick();
  }

  /** Another device has read up to here. @param {number} offset */
  seen(offset) {
    this.#progress.seen(offset);
  }

  #listen() {
    this.#sync.on("snapshot", (snapshot) => this.#replace(snapshot));
    this.#sync.on("events", (events) => this.#apply(events));
    this.#sync.on("state", (state) => state === "refused" && this.#company.leave());
    this.#comments.on("sent", ({ offset }) => this.#sync.awaitEcho(offset));
    this.#progress.on("receipts", () => this.#comments.changed());
    this.#progress.on("read", (offset) => this.#parts.unread.read(this.name, offset));
  }

  #forward() {
    for (const name of /** @type {const} */ (["state", "error"])) this.#sync.on(name, (detail) => this.emit(name, detail));
    for (const name of /** @type {const} */ (["presence", "typing", "signal"])) this.#company.on(name, (detail) => this.emit(name, detail));
    for (const name of /** @type {const} */ (["receipts", "read"])) this.#progress.on(name, (detail) => this.emit(name, detail));
    this.#comments.on("change", () => this.emit("change", undefined));
  }

  /** @param {string} epoch */
  #begin(epoch) {
    if (this.#progress.begin(epoch)) this.#parts.unread.forget(this.name);
  }

  /** @param {Snapshot} snapshot */
  #replace(snapshot) {
    this.#begin(snapshot.page.epoch);
    this.#comments.replace(snapshot);
    this.#apply(snapshot.events);
    if (snapshot.again) this.emit("resync", undefined);
  }

  /** @param {RoomEvent[]} events */
  #apply(events) {
    this.#comments.apply(events);
    this.#company.apply(events);
    this.#progress.kick();
    for (const event of events) this.#announce(event);
  }

  /** @param {RoomEvent} event */
  #announce(event) {
    this.emit("event", event);
    const comment = event.type === "comment.posted" && this.#comments.find(event.comment);
    if (comment) this.emit("comment", comment);
  }
}
