/**
 * What is pushed to this browser, as values. All of it comes from others, and is shown as text.
 *
 * @typedef {{tag: string, room: string, offset: number, badge: number | null}} Push  badge: unread in all rooms, if it is known
 * @typedef {Push & {kind: "comment", title: string, options: NotificationOptions & {renotify: boolean}}} Shown
 * @typedef {Push & {kind: "read"}} Read  up to this offset, on another device
 * @typedef {{room: string, comment: string, offset: number}} Subject  what a notification is about
 */

export const ICON = "/icon.png";
export const BADGE = "/badge-icon.png";
// More than any system shows; the server sends far less.
const LONGEST = { title: 200, body: 500 };
// Of the notification that says only that there is something.
const UNREADABLE = "parley";

/**
 * @param {string | null} text  of the push
 * @returns {Shown | Read} something to show even if it cannot be read: a browser wants every push to show something
 */
export function understand(text) {
  const payload = parsed(text);
  const { tag, room, offset } = payload;
  const push = { tag: words(tag), room: words(room), offset: whole(offset) ?? 0, badge: whole(payload.badge) };
  if (payload.type === "read" && push.tag !== "") return { ...push, kind: "read" };
  return { ...push, tag: push.tag || UNREADABLE, kind: "comment", ...notification(payload, push) };
}

/** @param {Record<string, unknown>} payload @param {Push} push */
function notification({ title, body, icon, comment, again }, { tag, room, offset }) {
  const silent = again === true || again === "true";
  /** @type {Subject} */
  const data = { room, comment: words(comment), offset };
  const shown = { body: words(body).slice(0, LONGEST.body), icon: picture(icon), badge: BADGE, tag: tag || UNREADABLE, data };
  return { title: words(title).slice(0, LONGEST.title) || "New message", options: { ...shown, silent, renotify: !silent } };
}

/** @param {string | null} text @returns {Record<string, unknown>} */
function parsed(text) {
  try {
    const payload = JSON.parse(text ?? "");
    return typeof payload === "object" && payload !== null ? payload : {};
  } catch {
    return {};
  }
}

/** @param {unknown} value */
const words = (value) => (typeof value === "string" ? value : "");

/** @param {unknown} value  some push services carry strings only */
function whole(value) {
  const number = typeof value === "string" && value !== "" ? Number(value) : value;
  return typeof number === "number" && Number.isSafeInteger(number) && number >= 0 ? number : null;
}

/** As elsewhere on the page, only from where it comes encrypted. @param {unknown} url */
const picture = (url) => (words(url).startsWith("https:") ? words(url) : ICON);
