/** What may be sent. The server counts characters, not UTF-16 units. */

export const LONGEST = 10_000;
// The counter appears when this many characters are left.
const NEAR = 500;

/** @param {string} text @returns {{sendable: boolean, counter: string, over: boolean}} */
export function judge(text) {
  const body = text.trim();
  const left = LONGEST - [...body].length;
  return {
    sendable: body !== "" && left >= 0,
    counter: left > NEAR ? "" : left >= 0 ? `${left} left` : `${-left} too many`,
    over: left < 0,
  };
}
