import { possible, subscribe, unsubscribe } from "./subscription.js";
import { NOTIFIED, keep, recall } from "./kept.js";
import { wanted } from "./bell.js";

/**
 * @import { Parley, ParleyError } from "/js/index.js"
 * @import { Hitch, Standing } from "./bell.js"
 */

/** Switches notifications in this browser on and off, for whoever is at the page, and keeps the server informed. */
export class Ringing {
  /** @type {Standing} */
  standing;
  #notifications;
  #changed;
  /** One thing after the other. @type {Promise<unknown>} */
  #work = Promise.resolve();

  /** @param {Parley} parley @param {() => void} changed  `standing` is new */
  constructor(parley, changed) {
    this.#notifications = parley.notifications;
    this.#changed = changed;
    this.standing = { permission: permission(), notified: recall(NOTIFIED), me: parley.user.id, way: null, hitch: null, busy: false };
    addEventListener("storage", ({ key, newValue }) => key === NOTIFIED && this.#moved(newValue));
    parley.on("state", ({ state }) => state === "connected" && this.standing.hitch === "answer" && void this.renew());
    void this.#watch();
    void this.renew();
  }

  get wanted() {
    return wanted(this.standing);
  }

  /** After a click: only then may a page ask. */
  async on() {
    this.#stand({ busy: true });
    await Notification.requestPermission();
    this.#stand({ permission: permission() });
    if (this.standing.permission === "granted") {
      keep(NOTIFIED, this.standing.me);
      this.#stand({ notified: this.standing.me });
    }
    await this.renew();
    this.#stand({ busy: false });
  }

  /** Whatever fails: without its subscription nothing comes to this browser, and the server learns it from the push service. */
  async off() {
    keep(NOTIFIED, null);
    this.#stand({ notified: null, way: null, hitch: null });
    await this.#next(async () => {
      await unsubscribe().catch(() => {});
      await this.#notifications.unregister().catch(() => {});
    });
  }

  /** Addresses change, and so do languages and time zones: tell the server where to push to, if it is to. */
  async renew() {
    if (!this.wanted) return;
    await this.#next(async () => {
      const hitch = this.wanted ? await this.#register() : null;
      if (this.wanted) this.#stand({ way: hitch === null ? "push" : "page", hitch });
    });
  }

  /** @returns {Promise<Hitch | null>} */
  async #register() {
    try {
      const { webPush } = await this.#notifications.offer();
      if (!webPush) return "server";
      if (!possible()) return "browser";
      const subscription = await subscribe(webPush.publicKey).catch(() => null);
      if (!subscription) return "service";
      await this.#notifications.register({ platform: "webpush", subscription: subscription.toJSON() });
      return null;
    } catch (error) {
      const { status, away } = /** @type {ParleyError} */ (error);
      return status === 404 ? "server" : away ? "answer" : "refused";
    }
  }

  /** Another page of this browser has switched it. @param {string | null} notified */
  #moved(notified) {
    this.#stand({ notified, way: null, hitch: null });
    void this.renew();
  }

  /** In the browser's settings, too, it can be allowed and forbidden. */
  async #watch() {
    const status = await navigator.permissions?.query({ name: "notifications" }).catch(() => null);
    status?.addEventListener("change", () => {
      this.#stand({ permission: permission(), way: null, hitch: null });
      void this.renew();
    });
  }

  /** @param {() => Promise<void>} work */
  #next(work) {
    return (this.#work = this.#work.then(work));
  }

  /** @param {Partial<Standing>} news */
  #stand(news) {
    this.standing = { ...this.standing, ...news };
    this.#changed();
  }
}

/** @returns {Standing["permission"]} */
function permission() {
  if (!isSecureContext) return "insecure";
  if ("Notification" in globalThis) return Notification.permission;
  return navigator.maxTouchPoints > 1 && /iP(hone|ad|od)|Macintosh/.test(navigator.userAgent) ? "homescreen" : "impossible";
}
