/** Where the page is: `/?room=chat-5-12&as=ada`, or `/?room=chat-5-12&notified` for whom a notification was. */

export const LOBBY = "chat-lobby";
const PREFIX = "chat-";
// A room's name has at most 164 characters on the server; nobody types that many.
const LONGEST = 120;

/** @param {string} search @returns {{room: string, as: string | null, notified: boolean}} */
export function read(search) {
  const query = new URLSearchParams(search);
  return { room: roomName(query.get("room") ?? ""), as: query.get("as")?.trim() || null, notified: query.has("notified") };
}

/** @param {{room: string, as?: string, notified?: boolean}} place */
export const link = ({ room, as, notified }) => `/?${new URLSearchParams({ room, ...(as && { as }), ...(notified && { notified: "" }) })}`;

/**
 * The room that somebody means who types this; the demo's rooms begin with `chat-`.
 * @param {string} text
 */
export function roomName(text) {
  const name = text.trim().replace(/\s+/g, "-").replace(/[^A-Za-z0-9_\-=@,.;]/g, "");
  if (name === "" || name === PREFIX) return LOBBY;
  return (name.startsWith(PREFIX) ? name : PREFIX + name).slice(0, LONGEST);
}
