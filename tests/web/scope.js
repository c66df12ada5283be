/**
 * A service worker's scope in this process: its notifications, and the pages that are open.
 * @import { Client, Order, Question } from "../../web/worker.js"
 * @typedef {{title: string, tag: string, body?: string, data: any, silent?: boolean, renotify?: boolean, close: () => void}} Shown
 */

export class Scope {
  /** @type {Shown[]} */
  shown = [];
  /** @type {Page[]} */
  pages = [];
  /** Addresses. @type {string[]} */
  opened = [];
  /** On the app's icon. @type {number | null} */
  count = null;
  /** Options of subscriptions that were made. @type {object[]} */
  subscriptions = [];
  /** @type {Map<string, (event: any) => void>} */
  #listeners = new Map();

  navigator = {
    setAppBadge: async (/** @type {number} */ count) => void (this.count = count),
    clearAppBadge: async () => void (this.count = 0),
  };

  clients = {
    matchAll: async () => this.pages,
    openWindow: async (/** @type {string} */ url) => void this.opened.push(url),
    claim: async () => {},
  };

  registration = /** @type {any} */ ({
    getNotifications: async (/** @type {{tag?: string}} */ { tag } = {}) => this.shown.filter((one) => tag === undefined || one.tag === tag),
    showNotification: async (/** @type {string} */ title, /** @type {any} */ options) => this.#show({ title, ...options }),
    pushManager: { subscribe: async (/** @type {object} */ options) => void this.subscriptions.push(options) },
  });

  async skipWaiting() {}

  /** @param {string} type @param {(event: any) => void} listener */
  addEventListener(type, listener) {
    this.#listeners.set(type, listener);
  }

  /** Fire, and wait for what the worker does then. @param {string} type @param {object} [event] */
  async fire(type, event = {}) {
    /** @type {Promise<unknown>[]} */
    const works = [];
    this.#listeners.get(type)?.({ ...event, waitUntil: (/** @type {Promise<unknown>} */ work) => works.push(work) });
    await Promise.all(works);
  }

  /** @param {object | null} payload */
  async push(payload) {
    await this.fire("push", { data: payload && { text: () => JSON.stringify(payload) } });
  }

  /** @param {Omit<Shown, "close">} notification  in place of one with its tag */
  #show(notification) {
    const one = { ...notification, close: () => void (this.shown = this.shown.filter((other) => other !== one)) };
    this.shown = [...this.shown.filter(({ tag }) => tag !== one.tag), one];
  }
}

/** @implements {Client} */
export class Page {
  url = "";
  focused;
  visibilityState;
  /** @type {Order[]} */
  orders = [];
  #answers;

  /** @param {{watching?: boolean, suited?: unknown, focused?: boolean, visible?: boolean} | null} answers  null: frozen */
  constructor(answers) {
    this.#answers = answers;
    this.focused = answers?.focused ?? true;
    this.visibilityState = (answers?.visible ?? true) ? "visible" : "hidden";
  }

  async focus() {
    this.focused = true;
  }

  /** @param {Question | Order} message @param {Transferable[]} [transfer] */
  postMessage(message, transfer = []) {
    if ("tell" in message) return void this.orders.push(message);
    const port = /** @type {MessagePort} */ (transfer[0]);
    if (this.#answers) port.postMessage(this.#answers[message.ask]);
    port.close();
  }
}
