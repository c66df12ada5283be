/**
 * A room as the server keeps it: the log, and the comments folded from it.
 * @import { Comment, Mark, Page, RoomEvent } from "../types.js"
 */
export class Log {
  epoch = "e1";
  /** @type {RoomEvent[]} */
  events = [];
  /** @type {Map<string, Comment>} */
  comments = new Map();
  /** How far the members are. @type {Map<string, Mark>} */
  marks = new Map();
  /** @type {Map<string, Comment>} */
  #posts = new Map();
  room;

  /** @param {string} room */
  constructor(room) {
    this.room = room;
  }

  get head() {
    return this.events.length;
  }

  /**
   * @param {string} actor
   * @param {string} body
   * @param {string | null} [clientId]
   * @returns {Comment} the first one of this client id
   */
  post(actor, body, clientId = null, urgent = false) {
    const known = clientId === null ? undefined : this.#posts.get(`${actor} ${clientId}`);
    return known ?? this.#post(actor, body, clientId, urgent);
  }

  /** @param {string} actor @param {string} body @param {string | null} clientId @param {boolean} urgent */
  #post(actor, body, clientId, urgent) {
    const id = `c${this.comments.size + 1}`;
    const event = this.#append("comment.posted", actor, { comment: id, body, authorName: actor, authorAvatar: null, clientId, urgent });
    this.#enter(actor, event.offset);
    /** @type {Comment} */
    const comment = {
      ...{ id, room: this.room, offset: event.offset, author: actor, authorName: actor, authorAvatar: null, body },
      ...{ imageMeta: null, videoMeta: null, mentions: [], clientId, createdAt: event.at, updatedAt: null, deletedAt: null },
      ...{ status: "SENT", deliveredAt: null, readAt: null },
    };
    if (clientId !== null) this.#posts.set(`${actor} ${clientId}`, comment);
    this.comments.set(id, comment);
    return comment;
  }

  /** @param {string} user */
  join(user) {
    if (!this.marks.has(user)) this.#enter(user, this.#append("member.joined", user, { user, name: user, avatar: null }).offset);
  }

  /** @param {string} after @param {number} limit */
  members(after, limit) {
    const users = [...this.marks.keys()].sort().filter((user) => user > after);
    const members = users.slice(0, limit).map((user) => ({ user, name: user, avatar: null, joinedAt: "" }));
    return { members, next: users.length > limit ? `/v1/rooms/${this.room}/members?after=${members.at(-1)?.user}` : null };
  }

  /** @param {string} user */
  leave(user) {
    if (this.marks.delete(user)) this.#append("member.left", user, { user });
  }

  /** @param {string} user @param {number} offset */
  #enter(user, offset) {
    if (!this.marks.has(user)) this.marks.set(user, { user, delivered: offset, read: offset, newcomer: true });
  }

  /** @param {string} id @param {string} body */
  edit(id, body) {
    const comment = this.#comment(id);
    if (comment.deletedAt) return comment;
    const { at } = this.#append("comment.edited", comment.author, { comment: id, body, imageMeta: null, videoMeta: null });
    return this.#keep({ ...comment, body, updatedAt: at });
  }

  /** @param {string} id */
  remove(id) {
    const comment = this.#comment(id);
    if (comment.deletedAt) return comment;
    const { at } = this.#append("comment.deleted", comment.author, { comment: id });
    return this.#keep({ ...comment, body: "", deletedAt: at });
  }

  /** @param {{before?: number, limit: number}} range @returns {Page} */
  page({ before = Infinity, limit }) {
    const all = [...this.comments.values()].filter((comment) => comment.offset < before);
    const comments = all.slice(-limit).map((comment) => ({ ...comment, status: this.status(comment) }));
    return { comments, next: all.length > limit ? "more" : null, epoch: this.epoch, head: this.head };
  }

  /** @param {{author: string, offset: number}} comment @returns {Comment["status"]} */
  status({ author, offset }) {
    const counts = (/** @type {Mark} */ { user, read, newcomer }) => user !== author && !(newcomer && read >= offset);
    const others = [...this.marks.values()].filter(counts);
    if (others.length && others.every(({ read }) => read >= offset)) return "READ";
    return others.length && others.every(({ delivered }) => delivered >= offset) ? "DELIVERED" : "SENT";
  }

  /** @param {string} id */
  #comment(id) {
    const comment = this.comments.get(id);
    if (!comment) throw new Error(`no comment ${id}`);
    return comment;
  }

  /** @param {Comment} comment */
  #keep(comment) {
    this.comments.set(comment.id, comment);
    return comment;
  }

  /** @param {string} type @param {string} actor @param {Record<string, unknown>} rest @returns {RoomEvent} */
  #append(type, actor, rest) {
    const offset = this.head + 1;
    const at = new Date(Date.UTC(2026, 10, 23) + offset * 1000).toISOString();
    const event = { type, id: `v${offset}`, room: this.room, offset, at, actor, ...rest };
    this.events.push(event);
    return event;
  }
}

/** @param {Log} log @param {import("./chance.js").Chance} dice */
export function scribble(log, dice) {
  const ids = [...log.comments.keys()];
  const kind = ids.length === 0 ? 0 : dice.whole(4);
  if (kind < 2) log.post(dice.pick(["ada", "grace"]), `body ${log.head}`);
  if (kind === 2) log.edit(dice.pick(ids), `edit ${log.head}`);
  if (kind === 3 && dice.happens(0.5)) log.remove(dice.pick(ids));
}
