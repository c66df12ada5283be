/** @import { Shelf } from "./types.js" */

const KEY = "parley:device";

/**
 * What this browser is called among the devices of whoever uses it: by chance at first, then always the same.
 * @param {Shelf} shelf
 * @param {() => string} uuid
 * @returns {string} printable ASCII
 */
export function device(shelf, uuid) {
  const known = shelf.getItem(KEY);
  if (known !== null && /^[!-~]{1,64}$/.test(known)) return known;
  const name = uuid();
  try {
    shelf.setItem(KEY, name);
  } catch {
    // A storage that is full: then it is another device after a reload.
  }
  return name;
}
