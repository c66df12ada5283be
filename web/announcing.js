import { announcement } from "./hearing.js";
import { BADGE, ICON } from "./pushes.js";

/**
 * @import { Comment, Preferences } from "/js/types.js"
 * @import { Subject } from "./pushes.js"
 */

const SHOWN_MS = 5000;

/** Where there is no worker, there is none. */
const registration = async () => (await navigator.serviceWorker?.getRegistration())?.active && navigator.serviceWorker.ready;

/**
 * The page itself shows a notification, for some seconds.
 * @param {Comment} comment
 * @param {Preferences | null} preferences
 */
export async function announce(comment, preferences) {
  const { id, room, offset, authorAvatar } = comment;
  const { title, body } = announcement(preferences, comment);
  const icon = authorAvatar?.startsWith("https:") ? authorAvatar : ICON;
  /** @type {Subject} */
  const data = { room, comment: id, offset };
  const options = { body, icon, badge: BADGE, tag: `comment-${id}`, data };
  const worker = await registration();
  const close = worker ? await byWorker(worker, title, options) : byPage(title, options);
  setTimeout(close, SHOWN_MS);
}

/** Which then hears of the click. @param {ServiceWorkerRegistration} worker @param {string} title @param {NotificationOptions} options */
async function byWorker(worker, title, options) {
  await worker.showNotification(title, options);
  return () => void withdraw(({ data }) => data.comment === options.data.comment);
}

/** @param {string} title @param {NotificationOptions} options */
function byPage(title, options) {
  const shown = new Notification(title, options);
  shown.onclick = () => {
    window.focus();
    shown.close();
  };
  return () => shown.close();
}

/** Take notifications back. @param {(notification: {data: Subject}) => boolean} which */
export async function withdraw(which) {
  const shown = (await (await registration())?.getNotifications()) ?? [];
  for (const one of shown) if (one.data && which(one)) one.close();
}
