/**
 * @import { Page, Position, RoomEvent } from "./types.js"
 */

// More than this means that the page which would release them is not coming.
const MAX_HELD = 10_000;

/**
 * Where one reader stands in one room, and what each thing that arrives means for it.
 *
 * Events are taken in offset order, each once. `away`: not subscribed. `asked`: waits for `subscribed`.
 * `live`: every event is the next one. `behind`: the server cannot replay from our position; live events
 * are held until a page of history reaches the point where they start.
 */
export class Cursor {
  /** @type {Position | null} */
  position = null;
  /** @type {"away" | "asked" | "live" | "behind"} */
  phase = "away";
  /** @type {Position | null} */
  #start = null;
  /** @type {RoomEvent[]} */
  #held = [];

  leave() {
    this.phase = "away";
    this.#held = [];
  }

  /** @returns {Position | undefined} what to ask the server to replay from */
  ask() {
    this.leave();
    this.phase = "asked";
    return this.position ?? undefined;
  }

  /**
   * @param {{epoch: string, offset: number, recovered: boolean}} answer
   * @returns {boolean} false: history has to be fetched and given to `page`
   */
  subscribed({ epoch, offset, recovered }) {
    const resumed = recovered && epoch === this.position?.epoch;
    this.phase = resumed ? "live" : "behind";
    this.#start = { epoch, offset };
    return resumed;
  }

  /**
   * @param {RoomEvent} event
   * @returns {"apply" | "drop" | "hole"} hole: something before it never came; subscribe again
   */
  event(event) {
    if (this.phase === "behind") return this.#hold(event);
    if (this.phase !== "live" || !this.position || event.offset <= this.position.offset) return "drop";
    if (event.offset > this.position.offset + 1) return "hole";
    this.position = { ...this.position, offset: event.offset };
    return "apply";
  }

  /**
   * A page of the newest comments: from now on the reader stands at its head.
   * @param {Pick<Page, "epoch" | "head">} page
   * @returns {RoomEvent[] | null} the held events that follow; null when the page is too old to join them
   */
  page({ epoch, head }) {
    if (this.phase === "behind" && !this.#reaches(epoch, head)) return null;
    this.position = { epoch, offset: head };
    const held = this.#held;
    if (this.phase === "behind") this.phase = "live";
    this.#held = [];
    return held.filter((event) => this.event(event) === "apply");
  }

  /** @param {string} epoch @param {number} head */
  #reaches(epoch, head) {
    return epoch === this.#start?.epoch && head >= this.#start.offset;
  }

  /** @param {RoomEvent} event @returns {"drop" | "hole"} */
  #hold(event) {
    this.#held.push(event);
    return this.#held.length > MAX_HELD ? "hole" : "drop";
  }
}
