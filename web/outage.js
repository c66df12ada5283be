/**
 * What to say about the connection.
 * @import { Standing } from "/js/connection.js"
 *
 * @typedef {object} Banner
 * @property {"quiet" | "offline" | "late" | "back" | "ended"} kind
 * @property {string} text
 * @property {"Reconnect" | "Reload" | null} action
 * @property {number} delay  for so many milliseconds it must have been true before it is worth saying
 *
 * @typedef {object} Past
 * @property {boolean} connectedBefore
 * @property {Banner | null} banner  what was true last
 * @property {boolean} visible  and was said
 */

// What is over within a moment needs no announcement.
const MOMENT_MS = 1000;
// The server has said that it will be back: that takes longer until it is worth a word.
const PLANNED_MS = 3000;

/** @type {Banner} */
const CONNECTING = { kind: "quiet", text: "Connecting…", action: null, delay: MOMENT_MS };
/** @type {Banner} */
const PLANNED = { kind: "quiet", text: "Reconnecting…", action: null, delay: PLANNED_MS };
/** @type {Banner} */
const LATE = { kind: "late", text: "Messages may be late. Yours are saved.", action: null, delay: MOMENT_MS };
/** @type {Banner} */
const OFFLINE = { kind: "offline", text: "Offline. Your messages will be sent when you are back.", action: "Reconnect", delay: 0 };
/** @type {Banner} */
const LOST = { kind: "offline", text: "Connection lost. Your messages are kept.", action: "Reconnect", delay: MOMENT_MS };
/** @type {Banner} */
const NOBODY = { kind: "offline", text: "The server cannot be reached. Your messages are kept.", action: "Reconnect", delay: 0 };

/**
 * @param {Standing} standing
 * @param {Past} past
 * @returns {Banner | null}
 */
export function banner({ state, reason, planned, degraded }, { connectedBefore, banner: last, visible }) {
  if (state === "connected") return degraded ? LATE : over(visible ? last : null);
  if (state === "closed") return { kind: "ended", text: `Disconnected: ${reason ?? "the chat was closed"}.`, action: "Reload", delay: 0 };
  if (!connectedBefore && (state !== "waiting" || planned)) return last?.kind === "offline" ? last : CONNECTING;
  if (state !== "waiting") return last;
  return planned && last?.kind !== "offline" ? PLANNED : offline(connectedBefore, reason, last);
}

/** @param {Banner | null} said @returns {Banner | null} */
function over(said) {
  if (said?.kind === "offline") return { kind: "back", text: "Reconnected.", action: null, delay: 0 };
  return said?.kind === "late" ? { kind: "back", text: "Up to date again.", action: null, delay: 0 } : null;
}

/** The browser's word for it counts until the connection is back. @param {boolean} connectedBefore @param {string | null} reason @param {Banner | null} last */
function offline(connectedBefore, reason, last) {
  if (reason === "offline" || last === OFFLINE) return OFFLINE;
  return connectedBefore ? LOST : NOBODY;
}
