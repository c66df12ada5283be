import { again } from "./backoff.js";
import { asParleyError } from "./errors.js";

/**
 * @import { Connection } from "./connection.js"
 * @import { Platform } from "./platform.js"
 * @import { Tokens } from "./tokens.js"
 */

/**
 * Gives a connection a new token before its old one expires: asks the application until it has one that
 * the server takes, or until the connection ends. A token given as a string has no successor.
 */
export class Renewal {
  #connection;
  #tokens;
  #platform;
  #busy = false;
  /** Counts connections: what was begun on an earlier one is over. */
  #round = 0;

  /** @param {Connection} connection @param {Tokens} tokens @param {Platform} platform */
  constructor(connection, tokens, platform) {
    this.#connection = connection;
    this.#tokens = tokens;
    this.#platform = platform;
    connection.on("frame", ({ type }) => type === "expiring" && void this.#begin());
    connection.on("standing", ({ state }) => state !== "connected" && this.#end());
  }

  #end() {
    this.#round++;
    this.#busy = false;
  }

  async #begin() {
    if (this.#busy || !this.#tokens.renewable) return;
    this.#busy = true;
    const round = this.#round;
    for (let attempt = 0; round === this.#round; attempt++) {
      const seconds = await this.#try(round);
      if (seconds === null) break;
      await new Promise((resolve) => void this.#platform.after(() => resolve(null), again(attempt, this.#platform.random(), seconds)));
    }
    if (round === this.#round) this.#busy = false;
  }

  /** @param {number} round @returns {Promise<number | null>} seconds to leave the server alone; null: it has a new token */
  async #try(round) {
    try {
      const token = await this.#tokens.fresh();
      if (round !== this.#round) return null;
      if (token === this.#connection.token) return 0; // the application's cache will let go of it in time
      await this.#connection.refresh(token);
      return null;
    } catch (caught) {
      const error = asParleyError(caught);
      if (round === this.#round) this.#connection.emit("error", error);
      return error.retryAfter ?? 0;
    }
  }
}
