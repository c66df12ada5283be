import { byId, make } from "./dom.js";
import { allMuted, choices, mutedUntil } from "./hearing.js";
import { attempt } from "./notice.js";

/**
 * @import { Parley } from "/js/index.js"
 * @import { Preferences, RoomPreferences } from "/js/types.js"
 */

/** What the person wants to hear of, and the field by which they mute this room. */
export class Muting {
  /** Null: not known. @type {Preferences | null} */
  preferences = null;
  #notifications;
  #room;
  #changed;
  #field = /** @type {HTMLSelectElement} */ (byId("mute"));

  /** @param {Parley} parley @param {string} room @param {() => void} changed  `preferences` is new */
  constructor(parley, room, changed) {
    this.#notifications = parley.notifications;
    this.#room = room;
    this.#changed = changed;
    this.#field.onchange = () => void this.#choose(this.#field.value);
    parley.on("state", ({ state }) => state === "connected" && void this.load());
  }

  /** This room, or everything. */
  get muted() {
    const now = Date.now();
    return mutedUntil(this.preferences, this.#room, now) !== null || allMuted(this.preferences, this.#room, now);
  }

  /** On other devices they may have changed. */
  async load() {
    this.preferences = await this.#notifications.preferences().catch(() => this.preferences);
    this.#changed();
  }

  show() {
    const now = Date.now();
    const { choices: all, chosen } = choices(mutedUntil(this.preferences, this.#room, now), now);
    byId("muting").hidden = this.preferences === null;
    byId("mute-note").hidden = !allMuted(this.preferences, this.#room, now);
    if (document.activeElement === this.#field && this.#field.value === chosen) return; // it may be open
    this.#field.replaceChildren(...all.map(option));
    this.#field.value = chosen;
  }

  /** @param {string} value */
  async #choose(value) {
    if (value !== "until") await attempt("The room is as it was.", this.#mute(value));
    this.#changed();
  }

  /** @param {string} value  seconds, or `ever` */
  async #mute(value) {
    if (value === "0") return this.#unmute();
    this.#took(await this.#notifications.mute(this.#room, value === "ever" ? {} : { seconds: Number(value) }));
  }

  /** Also a room of which nothing is wanted. */
  async #unmute() {
    const own = await this.#notifications.unmute(this.#room);
    this.#took(own);
    if (own.level !== "none") return;
    const { rooms } = await this.#notifications.preferences();
    this.preferences = await this.#notifications.prefer({ rooms: { ...rooms, [this.#room]: { ...own, level: null } } });
  }

  /** @param {RoomPreferences} own */
  #took(own) {
    if (this.preferences) this.preferences = { ...this.preferences, rooms: { ...this.preferences.rooms, [this.#room]: own } };
  }
}

/** @param {import("./hearing.js").Choice} choice */
function option({ value, text }) {
  const element = make("option", "", text);
  element.value = value;
  return element;
}
