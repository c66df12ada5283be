/**
 * Who is here, and who is away since when, as values.
 *
 * @typedef {{user: string, name?: string | null, avatar?: string | null, activity?: string}} Person
 * @typedef {{count: number, people: readonly Person[] | null}} Presence  people: null if they are too many to be listed
 * @typedef {{user: string, name?: string | null, avatar?: string | null, lastSeen: string | null}} Absent
 * @typedef {{here: readonly Person[], absent: Absent[]}} Known
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
 * @param {Known} known
 * @param {readonly Person[]} here
 * @param {number} now
 * @returns {Known}
 */
export function departed(known, here, now) {
  const present = new Set(here.map(({ user }) => user));
  return { here, absent: leave(known.absent, known.here.filter(({ user }) => !present.has(user)), now) };
}

/**
 * In a room that tells only of those who were asked for: whoever is not among them is not known to be here, or away.
 * @param {Known} known
 * @param {(user: string) => boolean | null} here
 * @param {number} now
 * @returns {Known}
 */
export function asked(known, here, now) {
  const gone = known.here.filter(({ user }) => here(user) === false);
  const away = known.absent.filter(({ user }) => here(user) === false);
  return { here: [...known.here, ...known.absent].filter(({ user }) => here(user)), absent: leave(away, gone, now) };
}

/**
 * An answer; what it does not say of a member is as it is known of them.
 * @param {readonly (Absent & Person & {here: boolean})[]} found
 * @param {ReadonlyMap<string, Person>} members
 * @returns {{here: Person[], absent: Absent[]}}
 */
export function parted(found, members) {
  const people = found.map(({ here, user, name, avatar, activity, lastSeen }) => ({
    here,
    person: { ...members.get(user), user, ...(name && { name, avatar }), activity, lastSeen },
  }));
  const those = (/** @type {boolean} */ there) => people.filter(({ here }) => here === there).map(({ person }) => person);
  return { here: those(true), absent: those(false) };
}

/** @param {readonly Absent[]} absent @param {readonly Person[]} gone @param {number} now @returns {Absent[]} */
function leave(absent, gone, now) {
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

/**
 * The dots beside people's messages; in a room that tells only of those who were asked for, without their activity.
 * @param {Presence | null} presence
 * @param {readonly string[]} authors
 * @param {(user: string) => boolean | null} here
 * @returns {Map<string, Dot>}
 */
export function dots(presence, authors, here) {
  if (presence?.people === null) return new Map(authors.filter(here).map((user) => [user, "active"]));
  return new Map((presence?.people ?? []).map(({ user, activity }) => [user, activity === "idle" ? "idle" : "active"]));
}
