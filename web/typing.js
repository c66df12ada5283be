/** Who is typing, in words. @typedef {{user: string, name: string}} Typist */

// So many are named; of more, two and how many others.
const NAMED = 3;

/** @param {readonly Typist[]} typists @returns {string} empty when nobody is */
export function typing(typists) {
  const names = typists.map(({ name }) => name);
  if (names.length === 0) return "";
  if (names.length === 1) return `${names[0]} is typing…`;
  if (names.length <= NAMED) return `${names.join(", ")} are typing…`;
  return `${names.slice(0, 2).join(", ")} and ${names.length - 2} others are typing…`;
}

// To a screen reader the same thing is not said again within this time.
const QUIET_MS = 30_000;

/**
 * What to say aloud: that somebody has begun; not that they stopped, nor who joins in.
 * @typedef {{text: string, at: number}} Said
 * @param {string} before  what was shown
 * @param {string} now  what is shown
 * @param {Said | null} last  what was said last
 * @param {number} time  milliseconds
 * @returns {Said | null} null for nothing
 */
export function aloud(before, now, last, time) {
  if (before !== "" || now === "") return null;
  return last && last.text === now && time - last.at < QUIET_MS ? null : { text: now, at: time };
}
