/**
 * What the page shows, as values: no element in here.
 * @import { Item } from "/js/types.js"
 * @import { Dot } from "./presence.js"
 *
 * @typedef {{kind: "day" | "news", key: string, label: string}} Heading
 * @typedef {{kind: "message", key: string, item: Item, first: boolean, last: boolean, time: string, full: string, dot: Dot}} Message
 *   first, last: of a run by the same author
 * @typedef {{now: Date, locale?: string, timeZone?: string, after?: number | null, here?: ReadonlyMap<string, Dot>}} Reader
 *   after: others' messages of a higher offset are new
 */

// Comments of one person with less than this between them are one run: one avatar, one name.
const RUN_MS = 5 * 60_000;
const TINTS = 8;
const DAY_MS = 24 * 3600_000;

/**
 * @param {readonly Item[]} items
 * @param {Reader} reader
 * @returns {(Heading | Message)[]}
 */
export function rows(items, reader) {
  const formats = formatsFor(reader);
  const days = items.map((item) => formats.day.format(new Date(item.createdAt)));
  const news = firstNew(items, reader.after ?? null);
  /** @param {number} index */
  const begins = (index) => index === news || days[index] !== days[index - 1] || !together(items[index - 1], items[index]);
  return items.flatMap((item, index) => {
    const last = index + 1 === items.length || begins(index + 1);
    return [
      ...(days[index] !== days[index - 1] ? [dayRow(item, days[index], formats, reader)] : []),
      ...(index === news ? [NEWS] : []),
      row(item, begins(index), last, formats, reader),
    ];
  });
}

/** @type {Heading} */
const NEWS = { kind: "news", key: "news", label: "New messages" };

/**
 * What the line stands above; -1 if nothing is new.
 * @param {readonly Item[]} items
 * @param {number | null} after
 */
export const firstNew = (items, after) =>
  after === null ? -1 : items.findIndex(({ own, deleted, offset }) => !own && !deleted && offset !== null && offset > after);

/** @param {Item} before @param {Item} after */
function together(before, after) {
  return before.author === after.author && Date.parse(after.createdAt) - Date.parse(before.createdAt) < RUN_MS;
}

/** @param {Item} item @param {boolean} first @param {boolean} last @param {Formats} formats @param {Reader} reader @returns {Message} */
function row(item, first, last, { time, full }, { here }) {
  const at = new Date(item.createdAt);
  const dot = here?.get(item.author) ?? "away";
  return { kind: "message", key: item.key, item, first, last, time: time.format(at), full: full.format(at), dot };
}

/** @param {Item} item @param {string} day @param {Formats} formats @param {Reader} reader @returns {Heading} */
function dayRow(item, day, formats, { now }) {
  return { kind: "day", key: `day ${day} ${item.key}`, label: dayLabel(new Date(item.createdAt), day, formats, now) };
}

/** @param {Date} at @param {string} day @param {Formats} formats @param {Date} now */
function dayLabel(at, day, formats, now) {
  if (day === formats.day.format(now)) return "Today";
  if (day === dayBefore(formats.day.format(now))) return "Yesterday";
  return formats.date.format(at);
}

/** By the calendar: days with a change of clocks have 23 or 25 hours. @param {string} day  2026-11-23 */
const dayBefore = (day) => new Date(Date.parse(day) - DAY_MS).toISOString().slice(0, 10);

/** @typedef {ReturnType<typeof formatsFor>} Formats */

/** @param {Reader} reader */
function formatsFor({ locale, timeZone }) {
  return {
    day: new Intl.DateTimeFormat("en-CA", { timeZone }),
    date: new Intl.DateTimeFormat(locale, { dateStyle: "full", timeZone }),
    time: new Intl.DateTimeFormat(locale, { timeStyle: "short", timeZone }),
    full: new Intl.DateTimeFormat(locale, { dateStyle: "full", timeStyle: "medium", timeZone }),
  };
}

/** One or two letters for an avatar. @param {string} name */
export function initials(name) {
  const words = name.trim().split(/\s+/).filter(Boolean);
  const letters = [words[0], words.length > 1 ? words[words.length - 1] : ""].map((word) => [...(word ?? "")][0] ?? "");
  return letters.join("").toLocaleUpperCase() || "?";
}

/** The same colour for the same person everywhere: 0 to 7. @param {string} id */
export function tint(id) {
  let sum = 0;
  for (const character of id) sum = (sum * 31 + (character.codePointAt(0) ?? 0)) % 65_521;
  return sum % TINTS;
}

/** @param {string} room @param {number} unread */
export const title = (room, unread) => `${unread > 0 ? `(${unread}) ` : ""}${room} · Parley`;

/** @param {number} count */
export const newer = (count) => (count === 0 ? "Newest" : count === 1 ? "1 new message" : `${count} new messages`);
