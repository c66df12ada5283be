import { byId } from "./dom.js";

/** @import { Room } from "/js/index.js" */

/** The upper edge of the messages: loads older ones, and says when there are none or when it failed. */
export class History {
  #room;
  #loading = false;
  #failed = false;

  /** @param {Room} room */
  constructor(room) {
    this.#room = room;
    byId("edge-again").onclick = () => {
      this.#failed = false;
      this.load();
    };
  }

  /** More, unless it is under way, or failed and nobody has asked again. */
  load() {
    if (this.#loading || this.#failed || !this.#room.hasOlder) return;
    void this.#load();
  }

  async #load() {
    this.#busy(true);
    try {
      await this.#room.older();
    } catch {
      this.#failed = true;
    }
    await new Promise((drawn) => requestAnimationFrame(drawn)); // until then the reader is still near the old top
    this.#busy(false);
  }

  /** @param {boolean} loading */
  #busy(loading) {
    this.#loading = loading;
    byId("log").ariaBusy = String(loading);
    this.show();
  }

  show() {
    byId("edge-again").hidden = !this.#failed;
    const text = this.#text();
    byId("edge-text").textContent = text;
    byId("edge").hidden = text === "";
  }

  #text() {
    const { state, items, hasOlder, name } = this.#room;
    if (this.#failed) return "Earlier messages could not be loaded.";
    if (this.#loading || (hasOlder && items.length > 0)) return "Loading earlier messages…";
    if (state === "loading" && items.length === 0) return "Loading messages…";
    return items.length > 0 ? `This is the beginning of ${name}` : "";
  }
}
