/**
 * What somebody wants to hear of, as values. The server decides so for pushes; the page for what it does itself.
 * @import { Comment, Preferences } from "/js/types.js"
 * @typedef {{value: string, text: string}} Choice
 */

const HOUR_S = 3600;
const DAY_MS = 24 * HOUR_S * 1000;
// Nobody chooses a time so far away: it says "for ever".
const FOREVER_MS = Date.UTC(9000, 0);
// What is older is not news: the page was away.
const NEWS_MS = 60_000;
const SHOWN = 50;

/**
 * @param {Preferences | null} preferences  null: not known
 * @param {string} room
 * @param {number} now
 * @returns {number | null} until when the room itself is muted; `Infinity` for ever, null if it is not
 */
export function mutedUntil(preferences, room, now) {
  const own = preferences?.rooms[room];
  const until = own?.level === "none" ? Infinity : end(own?.mutedUntil);
  return until > now ? until : null;
}

/** Everything is, or all rooms of which nothing else is wanted. @param {Preferences | null} preferences @param {string} room @param {number} now */
export function allMuted(preferences, room, now) {
  const quiet = preferences?.level === "none" && !preferences.rooms[room]?.level;
  return quiet || end(preferences?.mutedUntil) > now;
}

/** @param {string | null | undefined} time */
function end(time) {
  const at = Date.parse(time ?? "");
  return Number.isNaN(at) ? 0 : at < FOREVER_MS ? at : Infinity;
}

/** @param {Preferences | null} preferences @param {Comment} comment @param {string} me @param {number} now */
export function heard(preferences, comment, me, now) {
  const { author, room, mentions, createdAt } = comment;
  if (author === me || now - Date.parse(createdAt) > NEWS_MS) return false;
  if (mutedUntil(preferences, room, now) !== null || allMuted(preferences, room, now)) return false;
  if (preferences?.mutedUsers.includes(author)) return false;
  const level = preferences?.rooms[room]?.level ?? preferences?.level;
  return level !== "mentions" || mentions.some(({ user }) => user === me);
}

/** @param {Preferences | null} preferences @param {Comment} comment @returns {{title: string, body: string}} */
export function announcement(preferences, { room, authorName, body }) {
  const title = `New message in ${room}`;
  if (!(preferences?.rooms[room]?.preview ?? preferences?.preview ?? true)) return { title, body: "" };
  const [...characters] = body;
  return { title, body: `${authorName}: ${characters.slice(0, SHOWN).join("")}${characters.length > SHOWN ? "..." : ""}` };
}

/**
 * For how long a room can be muted, and how long it is.
 * @param {number | null} until
 * @param {number} now
 * @param {string} [locale]
 * @returns {{choices: Choice[], chosen: string}}
 */
export function choices(until, now, locale) {
  /** @type {Choice[]} */
  const all = [
    { value: "0", text: "No" },
    { value: String(HOUR_S), text: "For an hour" },
    { value: String(8 * HOUR_S), text: "For 8 hours" },
    { value: "ever", text: until === Infinity ? "Yes" : "Until I say so" },
  ];
  if (until === null) return { choices: all, chosen: "0" };
  if (until === Infinity) return { choices: all, chosen: "ever" };
  return { choices: [all[0], { value: "until", text: `Until ${when(until, now, locale)}` }, ...all.slice(1)], chosen: "until" };
}

/** The time, if it has that only once before. @param {number} until @param {number} now @param {string} [locale] */
const when = (until, now, locale) =>
  new Intl.DateTimeFormat(locale, until - now < DAY_MS ? { timeStyle: "short" } : { dateStyle: "medium" }).format(until);
