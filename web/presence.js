/**
 * Who is here, and who is away since when, as values.
 *
 * @typedef {{user: string, name?: string | null, avatar?: string | null, activity?: string}} Person
 * @typedef {{count: number, people: readonly Person[] | null}} Presence  people: null if they are too many to be listed
 * @typedef {{user: string, name?: string | null, avatar?: string | null, lastSeen: string | null}} Absent
 * @typedef {"active" | "idle" | "away"} Dot
 * @typedef {{user: string, name: string, avatar: string | null, dot: Dot, note: string}} Entry  of the list of people
 */

// Faces in the header.
const FACES = 3;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** @type {[number, "minute" | "hour" | "day"][]} */
const UNITS = [[DAY_MS, "day"], [HOUR_MS, "hour"], [MINUTE_MS, "minute"]];
const RANKS = { active: 0, idle: 1, away: 2 };

/**
 * The compact list in the header.
 * @param {Presence} presence
 * @param {string} me
 * @returns {{faces: Entry[], text: string, label: string}}
 */
export function header({ count, people }, me) {
  const entries = (people ?? []).map((person) => present(person, me)).sort(order(me));
  const others = entries.filter(({ user }) => user !== me);
  const alone = count <= 1 && others.length === 0;
  const text = alone ? "Only you" : `${count} here`;
  const names = others.slice(0, FACES).map(({ name }) => name).join(", ");
  const more = others.length > FACES ? " and others" : "";
  return { faces: (alone ? entries : others).slice(0, FACES), text, label: names === "" ? text : `${text}: ${names}${more}` };
}

/**
 * The whole list: who is here, oneself first, then who is away, the latest first.
 * @param {readonly Person[]} here
 * @param {readonly Absent[]} absent
 * @param {{me: string, now: number, locale?: string}} reader
 * @returns {Entry[]}
 */
export function list(here, absent, reader) {
  const seen = new Map(absent.map(({ user, lastSeen }) => [user, Date.parse(lastSeen ?? "") || 0]));
  const known = new Set(here.map(({ user }) => user));
  const away = absent.filter(({ user }) => !known.has(user));
  away.sort((a, b) => (seen.get(b.user) ?? 0) - (seen.get(a.user) ?? 0));
  return [
    ...here.map((person) => present(person, reader.me)).sort(order(reader.me)),
    ...away.map((person) => ({ ...face(person), dot: /** @type {const} */ ("away"), note: lastSeen(person.lastSeen, reader) })),
  ];
}

/**
 * Whoever was here and is no more was seen just now.
 * @param {readonly Person[]} before
 * @param {readonly Person[]} here
 * @param {readonly Absent[]} absent
 * @param {number} now
 * @returns {Absent[]}
 */
export function departed(before, here, absent, now) {
  const present = new Set(here.map(({ user }) => user));
  const gone = before.filter(({ user }) => !present.has(user));
  const left = new Set(gone.map(({ user }) => user));
  const seen = { lastSeen: new Date(now).toISOString() };
  return [...absent.filter(({ user }) => !left.has(user)), ...gone.map((person) => ({ ...person, ...seen }))];
}

/** @param {Person} person @param {string} me @returns {Entry} */
function present(person, me) {
  const dot = person.activity === "idle" ? "idle" : "active";
  return { ...face(person), dot, note: person.user === me ? "You" : dot === "idle" ? "Idle" : "Here" };
}

/** @param {{user: string, name?: string | null, avatar?: string | null}} person */
const face = ({ user, name, avatar = null }) => ({ user, name: name || user, avatar });

/** Oneself, then who is active, then by name. @param {string} me @returns {(a: Entry, b: Entry) => number} */
const order = (me) => (a, b) =>
  Number(b.user === me) - Number(a.user === me) || RANKS[a.dot] - RANKS[b.dot] || a.name.localeCompare(b.name);

/** @param {string | null} at @param {{now: number, locale?: string}} reader */
export function lastSeen(at, { now, locale }) {
  if (at === null) return "Away";
  const past = Math.max(0, now - Date.parse(at));
  if (past < MINUTE_MS) return "Last seen just now";
  if (past >= 7 * DAY_MS) return `Last seen on ${new Intl.DateTimeFormat(locale, { dateStyle: "medium" }).format(new Date(at))}`;
  const [length, unit] = UNITS.find(([length]) => past >= length) ?? UNITS[2];
  return `Last seen ${new Intl.RelativeTimeFormat("en", { numeric: "auto" }).format(-Math.floor(past / length), unit)}`;
}

/** The dots beside people's messages. @param {Presence | null} presence @returns {Map<string, Dot>} */
export const dots = (presence) =>
  new Map((presence?.people ?? []).map(({ user, activity }) => [user, activity === "idle" ? "idle" : "active"]));
