/**
 * Where a comment's text names members.
 * @typedef {{user: string, start: number, end: number}} Mention  in UTF-16 code units, as strings count here
 * @typedef {{text: string, mention: "me" | "other" | null}} Piece
 */

/**
 * The text in pieces that together are the text, whatever the positions are.
 * @param {string} body
 * @param {readonly Mention[]} mentions
 * @param {string} me
 * @returns {Piece[]}
 */
export function pieces(body, mentions, me) {
  const ordered = [...mentions].sort((a, b) => a.start - b.start);
  /** @type {Piece[]} */
  const found = [];
  let at = 0;
  for (const { user, start, end } of ordered) {
    if (start < at || end <= start || end > body.length) continue;
    found.push({ text: body.slice(at, start), mention: null });
    found.push({ text: body.slice(start, end), mention: user === me ? "me" : "other" });
    at = end;
  }
  return [...found, { text: body.slice(at), mention: null }].filter(({ text }) => text !== "");
}
