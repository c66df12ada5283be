/**
 * The line above what is new to whoever comes back. It stays where it is until they write something, or
 * have left again and something else is new.
 */
export class Line {
  /** What has a higher offset is new; null: there is no line. @type {number | null} */
  after = null;
  #begun = false;
  /** How far the reader was when they left; null while they are here. @type {number | null} */
  #left = null;

  /** The room has been opened. @param {number} read  how far the reader had come @param {boolean} news  something follows */
  begin(read, news) {
    if (!this.#begun && news) this.after = read;
    this.#begun = true;
  }

  /** The reader looks away. @param {number | null} read */
  leave(read) {
    this.#left = read;
  }

  back() {
    this.#left = null;
  }

  /** Somebody else has written. */
  arrived() {
    if (this.#left !== null) this.after = this.#left;
    this.#left = null;
  }

  posted() {
    this.after = null;
  }
}
