/**
 * What the page shows, as values: no element in here.
 * @import { Item } from "/js/types.js"
 *
 * @typedef {{kind: "day", key: string, label: string}} Day
 * @typedef {{kind: "message", key: string, item: Item, first: boolean, last: boolean, time: string, full: string}} Message
 *   first, last: of a run by the same author
 * @typedef {{now: Date, locale?: string, timeZone?: string}} Reader
 */

// Comments of one person with less than this between them are one run: one avatar, one name.
const RUN_MS = 5 * 60_000;
const TINTS = 8;
const DAY_MS = 24 * 3600_000;

/**
 * @param {readonly Item[]} items
 * @param {Reader} reader
 * @returns {(Day | Message)[]}
 */
export function rows(items, reader) {
  const formats = formatsFor(reader);
  const days = items.map((item) => formats.day.format(new Date(item.createdAt)));
  return items.flatMap((item, index) => {
    const newDay = days[index] !== days[index - 1];
    const first = newDay || !together(items[index - 1], item);
    const last = days[index] !== days[index + 1] || !together(item, items[index + 1]);
    const message = row(item, first, last, formats);
    return newDay ? [dayRow(item, days[index], formats, reader), message] : [message];
  });
}

/** @param {Item} before @param {Item} after */
function together(before, after) {
  return before.author === after.author && Date.parse(after.createdAt) - Date.parse(before.createdAt) < RUN_MS;
}

/** @param {Item} item @param {boolean} first @param {boolean} last @param {Formats} formats @returns {Message} */
function row(item, first, last, { time, full }) {
  const at = new Date(item.createdAt);
  return { kind: "message", key: item.key, item, first, last, time: time.format(at), full: full.format(at) };
}

/** @param {Item} item @param {string} day @param {Formats} formats @param {Reader} reader @returns {Day} */
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

/** @param {Item} item @returns {{icon: string, label: string}} */
export function status({ status }) {
  if (status === "SENDING") return { icon: "clock", label: "Sending" };
  return status === "FAILED" ? { icon: "alert", label: "Not sent" } : { icon: "check", label: "Sent" };
}

/** @param {number} count */
export const newer = (count) => (count === 0 ? "Newest" : count === 1 ? "1 new message" : `${count} new messages`);
