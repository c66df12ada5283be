/**
 * The reader's rooms, as values.
 * @import { RoomUnread } from "/js/types.js"
 * @typedef {{room: string, unread: string, mentioned: boolean, label: string, current: boolean}} Entry  label: for who cannot see it
 */

// More is not counted out.
const MANY = 99;

/**
 * This room, then those where something is new, then the others.
 * @param {ReadonlyMap<string, RoomUnread>} rooms
 * @param {string} current
 * @returns {Entry[]}
 */
export function entries(rooms, current) {
  const others = [...rooms.values()].filter(({ room }) => room !== current);
  others.sort((a, b) => rank(b) - rank(a) || a.room.localeCompare(b.room, "en", { numeric: true }));
  return [{ room: current, unread: "", mentioned: false, label: "", current: true }, ...others.map(entry)];
}

/** How much is new in the other rooms. @param {ReadonlyMap<string, RoomUnread>} rooms @param {string} current */
export function elsewhere(rooms, current) {
  const counts = [...rooms.values()].filter(({ room }) => room !== current).map(({ unread }) => unread);
  return short(counts.reduce((sum, count) => sum + count, 0));
}

/** @param {RoomUnread} room */
const rank = ({ unread, mentioned }) => (mentioned ? 2 : unread > 0 ? 1 : 0);

/** @param {RoomUnread} room @returns {Entry} */
const entry = ({ room, unread, mentioned }) => ({
  ...{ room, unread: short(unread), mentioned, current: false },
  label: unread > 0 ? `${unread} unread${mentioned ? ", you are mentioned" : ""}` : "",
});

/** @param {number} count */
const short = (count) => (count > MANY ? `${MANY}+` : count > 0 ? String(count) : "");
