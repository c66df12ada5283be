/** This browser's subscription to its push service, behind which the server is. */

// Some browsers never say that their push service is out of reach.
const PATIENCE_MS = 20_000;

/** The browser can be pushed to. */
export const possible = () => "serviceWorker" in navigator && "PushManager" in globalThis;

/**
 * @param {string} key  the server's, base64url
 * @returns {Promise<PushSubscription>} the one there is, if it is for that key; throws where there is no push service
 */
export async function subscribe(key) {
  const registration = await worker();
  const present = await registration.pushManager.getSubscription();
  if (present && !serves(present, key)) await present.unsubscribe();
  else if (present) return present;
  return inTime(registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytes(key) }));
}

/** Nothing comes to this browser any more. */
export async function unsubscribe() {
  const subscription = await (await navigator.serviceWorker?.getRegistration())?.pushManager?.getSubscription();
  await subscription?.unsubscribe();
}

/** Active, and as new as the page. @returns {Promise<ServiceWorkerRegistration>} */
export async function worker() {
  await navigator.serviceWorker.register("/sw.js", { type: "module", updateViaCache: "none" });
  return inTime(navigator.serviceWorker.ready);
}

/** Some browsers do not say for which key a subscription is; then the push service will refuse what is wrong. @param {PushSubscription} subscription @param {string} key */
function serves({ options }, key) {
  if (!options?.applicationServerKey) return true;
  const theirs = new Uint8Array(options.applicationServerKey);
  const ours = bytes(key);
  return theirs.length === ours.length && ours.every((byte, index) => byte === theirs[index]);
}

/** @param {string} text  base64url */
function bytes(text) {
  const base64 = text.replaceAll("-", "+").replaceAll("_", "/").replaceAll("=", "");
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

/** @template T @param {Promise<T>} promise @returns {Promise<T>} */
function inTime(promise) {
  const late = () => new DOMException("it did not answer in time", "TimeoutError");
  return new Promise((resolve, reject) => {
    promise.then(resolve, reject);
    setTimeout(() => reject(late()), PATIENCE_MS);
  });
}
