/**
 * What is done while no page is open, or with all of them: pushes are shown and taken back, and clicks lead to a page.
 *
 * @import { Push, Subject } from "./pushes.js"
 *
 * @typedef {{url: string, focused: boolean, visibilityState: string, focus: () => Promise<unknown>,
 *   postMessage: (message: Question | Order, transfer?: Transferable[]) => void}} Client  an open page
 * @typedef {object} Scope  the part of a service worker's global scope that is used
 * @property {ServiceWorkerRegistration} registration
 * @property {{matchAll: (options: object) => Promise<readonly Client[]>, openWindow: (url: string) => Promise<unknown>, claim: () => Promise<void>}} clients
 * @property {() => Promise<void>} skipWaiting
 * @property {{setAppBadge?: (count: number) => Promise<void>, clearAppBadge?: () => Promise<void>}} navigator
 * @property {(type: string, listener: (event: any) => void) => void} addEventListener
 *
 * @typedef {{ask: "watching" | "suited", room: string}} Question  to a page
 *   watching: is your person, whom pushes are for, in the room and sees what comes? suited: how well would you show it (0: not)?
 * @typedef {{tell: "open", room: string} | {tell: "renew"}} Order
 *   renew: the subscription is another one, the server has to know
 */
import { link } from "./address.js";
import { understand } from "./pushes.js";

// A page that has not answered by then is frozen, and shows nothing.
const PATIENCE_MS = 400;

/** @param {Scope} scope @param {number} [patience]  milliseconds for a page to answer */
export function attend(scope, patience = PATIENCE_MS) {
  /** @param {string} type @param {(event: any) => Promise<unknown>} work */
  const on = (type, work) => scope.addEventListener(type, (event) => event.waitUntil(work(event)));
  on("install", () => scope.skipWaiting());
  on("activate", () => scope.clients.claim());
  // One after the other: which is shown already decides about the next, and what is being shown must not be asked for.
  /** @type {Promise<unknown>} */
  let before = Promise.resolve();
  on("push", ({ data }) => (before = before.catch(() => {}).then(() => pushed(scope, data?.text() ?? null, patience))));
  on("notificationclick", ({ notification }) => clicked(scope, notification, patience));
  on("pushsubscriptionchange", (event) => resubscribed(scope, event));
}

/** @param {Scope} scope @param {string | null} text @param {number} patience */
async function pushed(scope, text, patience) {
  const push = understand(text);
  count(scope, push).catch(() => {}); // where there are no badges
  const there = await scope.registration.getNotifications({ tag: push.tag });
  if (push.kind === "read") return there.filter((one) => offset(one) <= push.offset).forEach((one) => one.close());
  if (there.some((one) => offset(one) > push.offset) || (await watched(scope, push, patience))) return;
  await scope.registration.showNotification(push.title, push.options);
}

/** @param {Notification} notification */
const offset = ({ data }) => /** @type {Subject | null} */ (data)?.offset ?? 0;

/** The number on the app's icon. @param {Scope} scope @param {Push} push */
async function count({ navigator }, { badge }) {
  if (badge === null) return;
  await (badge > 0 ? navigator.setAppBadge?.(badge) : navigator.clearAppBadge?.());
}

/** They are reading along: the browser asks for no notification while they look at a page. @param {Scope} scope @param {Push} push @param {number} patience */
async function watched(scope, { room }, patience) {
  const seen = (await pages(scope)).filter(({ focused, visibilityState }) => focused && visibilityState === "visible");
  const answers = await Promise.all(seen.map((page) => answer(page, { ask: "watching", room }, patience)));
  return answers.includes(true);
}

/** @param {Scope} scope @param {Notification} notification @param {number} patience */
async function clicked(scope, notification, patience) {
  notification.close();
  const room = /** @type {Subject | null} */ (notification.data)?.room ?? "";
  const [open, rank] = await best(await pages(scope), room, patience);
  if (!open || rank === 0) return scope.clients.openWindow(room === "" ? "/" : link({ room, notified: true }));
  open.postMessage({ tell: "open", room });
  await open.focus().catch(() => {}); // a browser may hold that the click was too long ago
}

/** @param {readonly Client[]} open @param {string} room @param {number} patience @returns {Promise<[Client | null, number]>} */
async function best(open, room, patience) {
  const answers = await Promise.all(open.map((page) => answer(page, { ask: "suited", room }, patience)));
  const ranks = answers.map((rank) => (typeof rank === "number" ? rank : 0));
  const highest = Math.max(0, ...ranks);
  return [open[ranks.indexOf(highest)] ?? null, highest];
}

/**
 * The browser, or its push service, has ended the subscription. The server learns of the new one from a page: now, or when one opens.
 * @param {Scope} scope
 * @param {{oldSubscription?: PushSubscription | null, newSubscription?: PushSubscription | null}} event
 */
async function resubscribed(scope, { oldSubscription, newSubscription }) {
  if (oldSubscription && !newSubscription) await scope.registration.pushManager.subscribe(oldSubscription.options);
  for (const page of await pages(scope)) page.postMessage({ tell: "renew" });
}

/** @param {Scope} scope */
const pages = ({ clients }) => clients.matchAll({ type: "window", includeUncontrolled: true });

/** @param {Client} page @param {Question} question @param {number} patience @returns {Promise<unknown>} null without one */
async function answer(page, question, patience) {
  const { port1, port2 } = new MessageChannel();
  try {
    return await new Promise((resolve) => {
      port1.onmessage = ({ data }) => resolve(data);
      page.postMessage(question, [port2]);
      setTimeout(() => resolve(null), patience);
    });
  } finally {
    port1.close();
  }
}
