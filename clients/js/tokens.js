/** The current token, asked for once however many want it. */
export class Tokens {
  /** @type {string | (() => Promise<string>)} */
  #source;
  /** @type {Promise<string> | null} */
  #current = null;

  /** @param {string | (() => Promise<string>)} source */
  constructor(source) {
    this.#source = source;
  }

  /** @returns {Promise<string>} */
  get() {
    this.#current ??= this.#ask();
    return this.#current;
  }

  /** One that the application has just given: what was good enough so far may have expired. @returns {Promise<string>} */
  fresh() {
    this.#current = null;
    return this.get();
  }

  /** A new one: the server did not take `refused`. @param {string} refused @returns {Promise<string>} */
  async renew(refused) {
    if ((await this.get()) === refused) this.#current = null;
    return this.get();
  }

  async #ask() {
    try {
      return typeof this.#source === "string" ? this.#source : await this.#source();
    } catch (error) {
      this.#current = null;
      throw error;
    }
  }
}
