/**
 * What to say about the connection.
 * @import { Standing } from "/js/connection.js"
 *
 * @typedef {{kind: "quiet" | "offline" | "back" | "ended", text: string, action: "Reconnect" | "Reload" | null}} Banner
 */

/**
 * @param {Standing} standing
 * @param {{connectedBefore: boolean, banner: Banner | null}} past  banner: the one that is shown
 * @returns {Banner | null}
 */
export function banner({ state, reason }, { connectedBefore, banner: shown }) {
  if (state === "connected") return shown?.kind === "offline" ? { kind: "back", text: "Reconnected.", action: null } : null;
  if (state === "closed") return { kind: "ended", text: `Disconnected: ${reason ?? "the chat was closed"}.`, action: "Reload" };
  if (state === "waiting" || shown?.kind === "offline") return offline(connectedBefore);
  return connectedBefore ? shown : { kind: "quiet", text: "Connecting…", action: null };
}

/** @param {boolean} connectedBefore @returns {Banner} */
function offline(connectedBefore) {
  const what = connectedBefore ? "Offline." : "The server cannot be reached.";
  return { kind: "offline", text: `${what} Your messages will be sent when you are back.`, action: "Reconnect" };
}
