/** The current token, asked for once however many want it. */
export class Tokens {
  /** @type {string | (() => Promise<string>)} */
  #source;
  /** @type {string | null} */
  #current = null;
  /** @type {Promise<string> | null} */
  #asking = null;

  /** @param {string | (() => Promise<string>)} source */
  constructor(source) {
    this.#source = source;
  }

  /** Whether there can be another one. */
  get renewable() {
    return typeof this.#source !== "string";
  }

  /** @returns {Promise<string>} */
  async get() {
    return this.#current ?? this.fresh();
  }

  /** One that the application has just given; if it has none, the one before stays. @returns {Promise<string>} */
  fresh() {
    this.#asking ??= this.#ask().finally(() => (this.#asking = null));
    return this.#asking;
  }

  /** A new one: the server did not take `refused`. @param {string} refused @returns {Promise<string>} */
  async renew(refused) {
    return this.#current === refused ? this.fresh() : this.get();
  }

  async #ask() {
    this.#current = typeof this.#source === "string" ? this.#source : await this.#source();
    return this.#current;
  }
}
