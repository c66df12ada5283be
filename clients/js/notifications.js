import { path } from "./http.js";

/**
 * @import { Http } from "./http.js"
 * @import { NotifiedPage, Preferences, PushAddress, PushOffer, RegisteredDevice, RoomPreferences } from "./types.js"
 */

/** What reaches a person while they are not here, and where. Every method throws `ParleyError`. */
export class Notifications {
  #http;
  /** What the server calls this browser or app, whoever uses it. */
  device;

  /** @param {Http} http @param {string} device */
  constructor(http, device) {
    this.#http = http;
    this.device = device;
  }

  /** What the server can push, and what a browser needs to know before it subscribes. @returns {Promise<PushOffer>} */
  offer() {
    return this.#http.request("GET", "/v1/push");
  }

  /**
   * Push to this device from now on. It becomes this person's, whose ever it was; again at each start, as addresses change.
   * @param {PushAddress} address  in a browser `{platform: "webpush", subscription: subscription.toJSON()}`
   * @param {{locale?: string, timeZone?: string}} [words]  BCP 47, IANA; else those of the browser
   * @returns {Promise<RegisteredDevice>}
   */
  register(address, words) {
    const { locale, timeZone } = Intl.DateTimeFormat().resolvedOptions();
    return this.#http.request("PUT", this.#place, { ...address, locale, timeZone, ...words });
  }

  /** No pushes to this device any more, if it is this person's. @returns {Promise<void>} */
  async unregister() {
    await this.#http.request("DELETE", this.#place);
  }

  /** @returns {Promise<{devices: RegisteredDevice[]}>} this person's, all of them */
  devices() {
    return this.#http.request("GET", "/v1/devices");
  }

  /** @returns {Promise<Preferences>} */
  preferences() {
    return this.#http.request("GET", "/v1/preferences");
  }

  /** @param {Partial<Preferences>} changes  what is not in it stays; `rooms` is all rooms @returns {Promise<Preferences>} */
  prefer(changes) {
    return this.#http.request("PUT", "/v1/preferences", changes);
  }

  /**
   * Hear nothing of a room.
   * @param {string} room
   * @param {{until?: string, seconds?: number}} [time]  for ever without one
   * @returns {Promise<RoomPreferences>}
   */
  mute(room, time = {}) {
    return this.#http.request("POST", path(room, "mute"), time);
  }

  /** @param {string} room @returns {Promise<RoomPreferences>} */
  unmute(room) {
    return this.#http.request("POST", path(room, "mute"), { until: null });
  }

  /**
   * Who was notified of a comment, or why not: this person; all members, for who moderates its room.
   * @param {string} comment
   * @param {{user?: string, after?: string, limit?: number}} [range]  after: `next` of the page before
   * @returns {Promise<NotifiedPage>}
   */
  explain(comment, range = {}) {
    const given = Object.entries(range).map(([name, value]) => [name, String(value)]);
    const query = given.length > 0 ? `?${new URLSearchParams(given)}` : "";
    return this.#http.request("GET", `/v1/comments/${encodeURIComponent(comment)}/notifications${query}`);
  }

  get #place() {
    return `/v1/devices/${encodeURIComponent(this.device)}`;
  }
}
