import { link } from "./address.js";
import { announce, withdraw } from "./announcing.js";
import { label, words } from "./bell.js";
import { byId, find } from "./dom.js";
import { heard } from "./hearing.js";
import { Muting } from "./muting.js";
import { Ringing } from "./ringing.js";
import { Sound } from "./sound.js";

/**
 * @import { Parley, Room } from "/js/index.js"
 * @import { Comment } from "/js/types.js"
 * @import { Order, Question } from "./worker.js"
 */

// How often to look whether a mute is over.
const MINUTE_MS = 60_000;

/** The bell in the header, what is behind it, and what it stands for. */
export class Notifications {
  #parley;
  #room;
  #ringing;
  #sound;
  #muting;

  /** @param {Parley} parley @param {Room} room */
  constructor(parley, room) {
    const show = () => this.#show();
    this.#parley = parley;
    this.#room = room;
    this.#sound = new Sound(show);
    this.#muting = new Muting(parley, room.name, show);
    this.#ringing = new Ringing(parley, show);
    this.#listen();
    show();
    setInterval(show, MINUTE_MS);
  }

  #listen() {
    byId("push").onclick = () => void (this.#ringing.wanted ? this.#ringing.off() : this.#ringing.on());
    byId("sound").onclick = () => this.#sound.switch(!this.#sound.on);
    byId("alerts").addEventListener("toggle", ({ newState }) => newState === "open" && void this.#muting.load());
    this.#room.on("comment", (comment) => void this.#arrived(comment));
    this.#room.on("read", () => void this.#read());
    this.#parley.on("unread", () => void this.#read());
    if (navigator.serviceWorker) navigator.serviceWorker.onmessage = ({ data, ports }) => this.#heard(data, ports[0]);
  }

  #show() {
    const { on, possible, note } = words(this.#ringing.standing);
    const { muted } = this.#muting;
    byId("bell").ariaLabel = byId("bell").title = label(on, muted);
    find(byId("bell"), ".icon").className = `icon ${on && !muted ? "bell" : "bell-off"}`;
    flip(byId("push"), on);
    /** @type {HTMLButtonElement} */ (byId("push")).disabled = !possible;
    byId("push-note").textContent = note;
    flip(byId("sound"), this.#sound.on);
    byId("sound-blocked").hidden = !this.#sound.blocked;
    this.#muting.show();
  }

  /** @param {Comment} comment */
  async #arrived(comment) {
    const { preferences } = this.#muting;
    if (!document.hidden || !heard(preferences, comment, this.#parley.user.id, Date.now())) return;
    void this.#sound.play();
    if (this.#ringing.standing.way === "page") await announce(comment, preferences);
  }

  /** What is read, here or elsewhere, needs no notification. */
  async #read() {
    if (!this.#ringing.wanted) return;
    const { unread } = this.#parley;
    const upTo = new Map([...unread].map(([room, { read }]) => [room, read]));
    if (this.#room.readUpTo !== null) upTo.set(this.#room.name, this.#room.readUpTo);
    await withdraw(({ data: { room, offset } }) => offset <= (upTo.get(room) ?? -1));
    const sum = [...unread.values()].reduce((sum, { unread }) => sum + unread, 0);
    await (sum > 0 ? navigator.setAppBadge?.(sum) : navigator.clearAppBadge?.())?.catch(() => {}); // where there are no badges
  }

  /** The worker asks, or has a click for this page. @param {Question | Order} message @param {MessagePort | undefined} port */
  #heard(message, port) {
    if ("ask" in message) return port?.postMessage(message.ask === "watching" ? this.#watching(message.room) : this.#suited(message.room));
    if (message.tell === "renew") return void this.#ringing.renew();
    const { room } = message;
    if (room !== "" && room !== this.#room.name) location.assign(link({ room, as: this.#parley.user.id }));
  }

  /** @param {string} room */
  #watching(room) {
    const here = room === this.#room.name && this.#room.state === "live";
    return this.#ringing.wanted && here && document.visibilityState === "visible" && document.hasFocus();
  }

  /** A page in which something is being written stays where it is. @param {string} room */
  #suited(room) {
    if (!this.#ringing.wanted) return 0;
    if (room === this.#room.name) return 2;
    return /** @type {HTMLTextAreaElement} */ (byId("text")).value.trim() === "" ? 1 : 0;
  }
}

/** @param {HTMLElement} element @param {boolean} on */
const flip = (element, on) => (element.ariaChecked = String(on));
