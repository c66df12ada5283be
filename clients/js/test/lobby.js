/**
 * @import { Frame, Mark, Person, Present, Presence, Receipts, RoomUnread } from "../types.js"
 * @import { Link } from "./link.js"
 * @import { World } from "./world.js"
 */

const OK = { type: "ok" };
// Receipts are written and told a little later.
const WRITE_MS = 50;

/** What the server knows beside the log: who is here, how far the members are, and what they have not read. */
export class Lobby {
  /** More people, and more members, than these are not told one by one. */
  limits = { people: 1000, members: 100 };
  /** Whether presence and comments can be asked. */
  known = true;
  /** Of requests about all this, in their order. @type {{user: string, type: string, offset?: number, activity?: string, users?: string[]}[]} */
  said = [];
  /** Of whom subscribers were told. @type {Set<string>} */
  #members = new Set();
  #world;

  /** @param {World} world */
  constructor(world) {
    this.#world = world;
  }

  /** @returns {Presence | null} */
  presence() {
    const people = this.#people();
    return this.known ? { count: people.length, people: people.length > this.limits.people ? null : people } : null;
  }

  receipts() {
    return this.known ? this.#marks() : null;
  }

  /** @returns {{members: number, receipts: Mark[], counts: Receipts["counts"]}} */
  #marks() {
    const marks = [...this.#world.log.marks.values()];
    const newcomers = marks.filter(({ newcomer }) => newcomer);
    const large = marks.length > this.limits.members;
    const counts = large ? { delivered: steps(marks, "delivered"), read: steps(marks, "read"), newcomers: steps(newcomers, "read") } : null;
    return { members: marks.length, receipts: marks.slice(0, this.limits.members), counts };
  }

  /** @param {string} user @returns {RoomUnread[]} */
  unread(user) {
    const { log } = this.#world;
    const read = log.marks.get(user)?.read;
    if (read === undefined) return [];
    const left = [...log.comments.values()].filter(({ author, offset, deletedAt }) => author !== user && offset > read && !deletedAt);
    const mentioned = left.some(({ mentions }) => mentions.some((mention) => mention.user === user));
    return [{ room: log.room, head: log.head, read, unread: left.length, mentioned }];
  }

  /** A link has come to the room, or gone from it. @param {Link} link @param {boolean} here */
  moved(link, here) {
    const others = this.#links().some((other) => other !== link && other.user === link.user);
    if (here || others) this.#diff(this.#people([link.user]), [], link);
    else this.#diff([], [link.user], link);
  }

  /** Whoever watches is told what is another now. */
  tell() {
    this.#tellMembers();
    for (const link of this.#world.links) {
      if (link.told === null) continue;
      const rooms = this.unread(link.user);
      if (JSON.stringify(rooms) !== link.told) link.deliver({ type: "unread", rooms, left: rooms.length ? [] : [this.#world.log.room] });
      link.told = JSON.stringify(rooms);
    }
  }

  #tellMembers() {
    const before = this.#members;
    this.#members = new Set(this.#world.log.marks.keys());
    const left = [...before].some((user) => !this.#members.has(user));
    const { members, receipts, counts } = this.#marks();
    const joined = receipts.filter(({ user }) => !before.has(user));
    if (!this.known || !(left || joined.length)) return;
    const news = left ? { members, receipts, counts, state: true } : counts ? { members, counts } : { receipts: joined };
    for (const link of this.#links()) link.deliver({ type: "receipts", room: this.#world.log.room, ...news });
  }

  /** Presence and comments can be asked again. */
  recover() {
    const anew = !this.known;
    this.known = true;
    if (anew) this.restate();
  }

  /** Everything anew, to everybody: they have missed something. */
  restate() {
    for (const link of this.#links()) {
      link.deliver({ type: "presence", room: this.#world.log.room, ...this.presence() });
      link.deliver({ type: "receipts", room: this.#world.log.room, ...this.receipts(), state: true });
    }
  }

  /** @param {Link} link @param {Frame} frame @returns {object | null} the answer; null: it is about something else */
  serve(link, frame) {
    const { id: _, room: __, ...rest } = frame;
    if (["connect", "refresh", "subscribe", "unsubscribe"].includes(frame.type)) return null;
    this.said.push({ user: link.user, ...rest });
    if (frame.type === "presence") return this.#asked(link, frame.users);
    if (frame.type === "delivered" || frame.type === "read") return this.#acknowledge(link.user, frame.type, frame.offset);
    if (frame.type === "unread") return this.#watch(link);
    if (frame.type === "activity") return this.#act(link, frame.activity);
    return this.#signal(link, frame);
  }

  /** @param {Link} link @param {string[]} users */
  #asked(link, users) {
    const people = this.#people();
    link.follows = users;
    /** @type {Present[]} */
    const asked = users.map((user) => ({ ...named(user), here: people.some((one) => one.user === user), devices: [], lastSeen: null }));
    return { type: "presence", room: this.#world.log.room, count: people.length, asked };
  }

  /** @param {string} user @param {"delivered" | "read"} kind @param {number} offset */
  #acknowledge(user, kind, offset) {
    this.#world.after(() => this.write(user, kind, offset), WRITE_MS);
    return OK;
  }

  /** @param {string} user @param {"delivered" | "read"} kind @param {number} offset */
  write(user, kind, offset) {
    const { log } = this.#world;
    const mark = log.marks.get(user);
    if (!mark) return;
    const to = Math.min(offset, log.head);
    const read = kind === "read" ? Math.max(mark.read, to) : mark.read;
    const moved = { user, delivered: Math.max(mark.delivered, to), read, newcomer: mark.newcomer && kind !== "read" };
    if (moved.delivered === mark.delivered && moved.read === mark.read && moved.newcomer === mark.newcomer) return;
    log.marks.set(user, moved);
    const { members, counts } = this.#marks();
    const news = counts ? { members, counts } : { receipts: [moved] };
    for (const link of this.#links()) link.deliver({ type: "receipts", room: log.room, ...news });
    this.tell();
  }

  /** @param {Link} link */
  #watch(link) {
    const rooms = this.unread(link.user);
    link.told = JSON.stringify(rooms);
    return { type: "unread", rooms };
  }

  /** @param {Link} link @param {Person["activity"]} activity */
  #act(link, activity) {
    link.activity = activity;
    if (link.subscribed) this.#diff(this.#people([link.user]), [], null);
    return OK;
  }

  /** @param {Link} link @param {Frame} frame */
  #signal(link, { type, room, name, data }) {
    const news = type === "typing" ? { name: "typing", data: { name: link.user.toUpperCase() } } : { name, data };
    for (const other of this.#links()) if (other !== link) other.deliver({ type: "signal", room, user: link.user, ...news });
    return OK;
  }

  /** @param {Person[]} joined @param {string[]} left @param {Link | null} except */
  #diff(joined, left, except) {
    const { count, people } = { count: this.#people().length, people: this.presence()?.people };
    for (const link of this.#links()) {
      const heard = (/** @type {string} */ user) => people !== null || link.follows.includes(user);
      const news = { joined: joined.filter(({ user }) => heard(user)), left: left.filter(heard) };
      if (link !== except) link.deliver({ type: "presence", room: this.#world.log.room, count, ...news });
    }
  }

  #links() {
    return [...this.#world.links].filter(({ subscribed }) => subscribed);
  }

  /** @param {string[]} [users] @returns {Person[]} */
  #people(users) {
    const links = this.#links().filter(({ user }) => !users || users.includes(user));
    const active = new Set(links.filter(({ activity }) => activity === "active").map(({ user }) => user));
    return [...new Set(links.map(({ user }) => user))].map((user) => ({ ...named(user), activity: active.has(user) ? "active" : "idle" }));
  }
}

/** @param {string} user @returns {Person} */
export const named = (user) => ({ user, name: user, avatar: null, activity: "active" });

/** @param {Mark[]} marks @param {"delivered" | "read"} kind @returns {[number, number][]} */
function steps(marks, kind) {
  const offsets = [...new Set(marks.map((mark) => mark[kind]))].sort((a, b) => b - a);
  return [...offsets.slice(0, 16), ...offsets.slice(16).slice(-1)].map((offset) => [offset, marks.filter((mark) => mark[kind] >= offset).length]);
}
