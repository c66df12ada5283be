import { status } from "./reach.js";

/**
 * A room's comments, put together from pages of history, events and the answers to own posts, in
 * whatever order they arrive. Every function returns a new timeline and leaves the old one alone.
 *
 * Each comment carries `asOf`, the offset up to which its history is known to be in it. News of an
 * offset up to that changes nothing: so repeats, late pages and late answers are harmless.
 *
 * @import { Comment, Item, Page, Pending, RoomEvent, User } from "./types.js"
 * @import { Reach } from "./reach.js"
 *
 * @typedef {{comment: Comment, asOf: number}} Entry
 *
 * @typedef {object} Timeline
 * @property {ReadonlyMap<string, Entry>} entries  by comment id
 * @property {number | null} floor  offset of the oldest comment loaded; null before the first page
 * @property {boolean} complete  the floor is the first comment of the room
 * @property {readonly RoomEvent[] | null} strays  while an older page is on its way: changes to comments that it may bring
 */

/** @returns {Timeline} */
export const empty = () => ({ entries: new Map(), floor: null, complete: false, strays: null });

/**
 * Everything known, replaced by the newest page. Only what is newer than the page, from the answer
 * to an own post, outlives it.
 * @param {Timeline} timeline
 * @param {Page} page
 * @param {boolean} sameEpoch
 * @returns {Timeline}
 */
export function replace(timeline, page, sameEpoch) {
  const newer = sameEpoch ? [...timeline.entries].filter(([, entry]) => entry.comment.offset > page.head) : [];
  return { ...extend({ ...empty(), entries: new Map(newer) }, page), strays: null };
}

/** @param {Timeline} timeline @returns {Timeline} an older page was asked for */
export const expect = (timeline) => ({ ...timeline, strays: [] });

/** @param {Timeline} timeline @returns {Timeline} it will not come */
export const giveUp = (timeline) => ({ ...timeline, strays: null });

/**
 * The page before the floor.
 * @param {Timeline} timeline
 * @param {Page} page
 * @returns {Timeline}
 */
export function older(timeline, page) {
  const missed = (timeline.strays ?? []).filter((event) => event.offset > page.head);
  return missed.reduce(apply, giveUp(extend(timeline, page)));
}

/** @param {Timeline} timeline @param {Page} page @returns {Timeline} */
function extend(timeline, page) {
  const entries = new Map(timeline.entries);
  for (const comment of page.comments) {
    const known = entries.get(comment.id);
    if (!known || known.asOf < page.head) entries.set(comment.id, { comment, asOf: page.head });
  }
  return { ...timeline, entries, floor: page.comments[0]?.offset ?? timeline.floor, complete: page.next === null };
}

/**
 * The answer to an own post. One that lies before the floor is left to history: shown here, it would
 * pretend that what lies between were loaded.
 * @param {Timeline} timeline
 * @param {Comment} comment
 * @returns {Timeline}
 */
export function confirm(timeline, comment) {
  const unseen = timeline.floor !== null && !timeline.complete && comment.offset < timeline.floor;
  return unseen || timeline.entries.has(comment.id) ? timeline : put(timeline, comment, comment.offset);
}

/**
 * The answer to an own edit, ahead of its event. It carries no offset, so its time decides.
 * @param {Timeline} timeline
 * @param {Comment} comment
 * @returns {Timeline}
 */
export function edited(timeline, comment) {
  const entry = timeline.entries.get(comment.id);
  if (!entry || entry.comment.deletedAt || time(comment) <= time(entry.comment)) return timeline;
  return put(timeline, comment, entry.asOf);
}

/**
 * The answer to an own delete, ahead of its event: nothing follows a delete, so it needs no offset.
 * @param {Timeline} timeline
 * @param {string} id
 * @param {string} at
 * @returns {Timeline}
 */
export function removed(timeline, id, at) {
  const entry = timeline.entries.get(id);
  return entry ? put(timeline, erased(entry.comment, at), entry.asOf) : timeline;
}

/**
 * @param {Timeline} timeline
 * @param {RoomEvent} event
 * @returns {Timeline}
 */
export function apply(timeline, event) {
  if (event.type === "comment.posted") return posted(timeline, event);
  if (event.type !== "comment.edited" && event.type !== "comment.deleted") return timeline;
  const entry = timeline.entries.get(event.comment);
  if (!entry) return stray(timeline, event);
  if (event.offset <= entry.asOf) return timeline;
  return put(timeline, changed(entry.comment, event), event.offset);
}

/** @param {Timeline} timeline @param {RoomEvent} event @returns {Timeline} */
function posted(timeline, event) {
  const known = timeline.entries.get(event.comment);
  return known ? timeline : put(timeline, fromEvent(event), event.offset);
}

/** @param {Timeline} timeline @param {RoomEvent} event @returns {Timeline} */
function stray(timeline, event) {
  return timeline.strays ? { ...timeline, strays: [...timeline.strays, event] } : timeline;
}

/** @param {Timeline} timeline @param {Comment} comment @param {number} asOf @returns {Timeline} */
function put(timeline, comment, asOf) {
  return { ...timeline, entries: new Map(timeline.entries).set(comment.id, { comment, asOf }) };
}

/** @param {Comment} comment @returns {string} */
const time = (comment) => comment.updatedAt ?? comment.createdAt;

/** @param {Comment} comment @param {string} at @returns {Comment} */
const erased = (comment, at) => ({ ...comment, body: "", imageMeta: null, videoMeta: null, mentions: [], deletedAt: at });

/** @param {Comment} comment @param {RoomEvent} event @returns {Comment} */
function changed(comment, event) {
  if (event.type === "comment.deleted") return erased(comment, event.at);
  if (comment.deletedAt) return comment;
  const { body, imageMeta = null, videoMeta = null, mentions = [] } = event;
  return { ...comment, body, imageMeta, videoMeta, mentions, updatedAt: event.at };
}

/** @param {RoomEvent} event @returns {Comment} */
function fromEvent(event) {
  const { room, offset, body, authorName, authorAvatar = null, clientId = null, imageMeta = null, videoMeta = null, mentions = [] } = event;
  return {
    ...{ id: event.comment, room, offset, author: event.actor, authorName, authorAvatar, body, imageMeta, videoMeta, clientId },
    ...{ mentions, createdAt: event.at, updatedAt: null, deletedAt: null, status: "SENT", deliveredAt: null, readAt: null },
  };
}

/**
 * @param {Timeline} timeline
 * @param {number} read  offset
 * @param {User} me
 * @returns {number | null} comments of others after it that still exist; null: not all of them are loaded
 */
export function unread({ entries, floor, complete }, read, me) {
  if (floor === null ? !complete : !complete && floor > read + 1) return null;
  const comments = [...entries.values()].map(({ comment }) => comment);
  return comments.filter(({ author, offset, deletedAt }) => offset > read && author !== me.id && !deletedAt).length;
}

const UNKNOWN = { others: null, deliveredTo: null, readBy: null };

/**
 * What to show: confirmed comments by offset, then own pending ones in the order they were written.
 * @param {Timeline} timeline
 * @param {readonly Pending[]} pending
 * @param {User} me
 * @param {((offset: number) => Reach) | null} [reach]  what became of own comments; null: not known
 * @returns {Item[]}
 */
export function items(timeline, pending, me, reach = null) {
  const comments = [...timeline.entries.values()].map((entry) => entry.comment).sort((a, b) => a.offset - b.offset);
  const confirmed = new Set(comments.filter((comment) => comment.author === me.id).map((comment) => comment.clientId));
  const waiting = pending.filter((entry) => !confirmed.has(entry.clientId));
  return [...comments.map((comment) => fromComment(comment, me, reach)), ...waiting.map((entry) => fromPending(entry, me))];
}

/** @param {Comment} comment @param {User} me @param {((offset: number) => Reach) | null} reach @returns {Item} */
function fromComment(comment, me, reach) {
  const { id, offset, clientId, author, authorName, authorAvatar, body, imageMeta, videoMeta, mentions = [], createdAt } = comment;
  const own = author === me.id;
  const reached = own && reach ? reach(offset) : null;
  return {
    ...{ id, offset, clientId, author, authorName, authorAvatar, body, imageMeta, videoMeta, mentions, createdAt, own },
    ...{ key: own && clientId ? clientId : id, status: own ? status(comment, reached) : "SENT", error: null },
    ...(reached ?? UNKNOWN),
    ...{ edited: comment.updatedAt !== null && !comment.deletedAt, deleted: comment.deletedAt !== null },
  };
}

/** @param {Pending} entry @param {User} me @returns {Item} */
function fromPending(entry, me) {
  const { clientId, body, imageMeta, videoMeta, createdAt, status, error } = entry;
  return {
    ...{ key: clientId, id: null, offset: null, clientId, body, imageMeta, videoMeta, createdAt, status, error },
    ...{ author: me.id, authorName: me.name, authorAvatar: me.avatar ?? null, own: true, edited: false, deleted: false },
    ...{ mentions: [], ...UNKNOWN },
  };
}
