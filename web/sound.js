import { SOUND, keep, recall } from "./kept.js";

const FILE = "/sounds/notification.wav";
const VOLUME = 0.3;
// Of messages that come together, and of pages of one browser, one is heard.
const QUIET_MS = 2000;

/** The sound of a message, if the person wants it. */
export class Sound {
  /** The browser lets the page sound only after a click on it. */
  blocked = false;
  #on = recall(SOUND) !== "off";
  #changed;
  /** @type {HTMLAudioElement | null} */
  #audio = null;

  /** @param {() => void} changed  `on` or `blocked` is new */
  constructor(changed) {
    this.#changed = changed;
  }

  get on() {
    return this.#on;
  }

  /** @param {boolean} on */
  switch(on) {
    this.#on = on;
    keep(SOUND, on ? null : "off");
    this.#changed();
    if (on) void this.#sound();
  }

  /** A message has come. */
  async play() {
    if (!this.#on) return;
    if (!navigator.locks) return this.#sound();
    await navigator.locks.request(SOUND, { ifAvailable: true }, (lock) => lock && this.#alone());
  }

  async #alone() {
    await this.#sound();
    await new Promise((over) => setTimeout(over, QUIET_MS));
  }

  async #sound() {
    const audio = (this.#audio ??= new Audio(FILE));
    audio.volume = VOLUME;
    audio.currentTime = 0;
    const played = await audio.play().then(() => true, (error) => error.name !== "NotAllowedError");
    if (this.blocked !== played) return;
    this.blocked = !played;
    this.#changed();
  }
}
