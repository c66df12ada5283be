/** What is kept in this browser over a reload; nothing, where the browser forbids it. */

/** Whom pushes to this browser are for: a user id. */
export const NOTIFIED = "parley:notified";
/** `off`, or nothing. */
export const SOUND = "parley:sound";

/** @param {string} key @returns {string | null} */
export function recall(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

/** @param {string} key @param {string | null} value */
export function keep(key, value) {
  try {
    if (value === null) localStorage.removeItem(key);
    else localStorage.setItem(key, value);
  } catch {
    // Then it holds until the page is left.
  }
}
