/**
 * @import { Frame, Person, Presence as State, Present } from "./types.js"
 */

/** Who is here, in one room: a state, then differences to it. No clock and no connection here. */
export class Presence {
  /** @type {State | null} */
  state = null;
  /** Those who were asked for by name: a large room tells of nobody else. @type {Map<string, boolean>} */
  #asked = new Map();

  /** @returns {string[]} */
  get asked() {
    return [...this.#asked.keys()];
  }

  /** @param {string} user @returns {boolean | null} null: not known */
  here(user) {
    if (!this.state) return null;
    return this.state.people?.some((person) => person.user === user) ?? this.#asked.get(user) ?? null;
  }

  /** @param {State | null} state  null: not known now; until it is, what was known stays */
  replace(state) {
    if (!state) return;
    this.state = { count: state.count, people: state.people };
    if (state.people) this.#note([...this.#asked.keys()], false);
    this.#note((state.people ?? []).map(({ user }) => user), true);
  }

  /** @param {Frame} frame  an answer, a state or a difference */
  receive({ count, people, asked, joined = [], left = [] }) {
    if (asked) this.#answered(count, asked);
    else if (people !== undefined) this.replace({ count, people });
    else this.#change(count, joined, left);
  }

  clear() {
    this.state = null;
    this.#asked.clear();
  }

  /** @param {number} count @param {Present[]} asked */
  #answered(count, asked) {
    this.#asked = new Map(asked.map(({ user, here }) => [user, here]));
    if (this.state && !this.state.people) this.state = { count, people: null };
  }

  /** @param {number} count @param {Person[]} joined  with those who are another now @param {string[]} left */
  #change(count, joined, left) {
    if (!this.state) return;
    const moved = new Set([...left, ...joined.map(({ user }) => user)]);
    const people = this.state.people && [...this.state.people.filter(({ user }) => !moved.has(user)), ...joined];
    this.state = { count, people };
    this.#note(left, false);
    this.#note(joined.map(({ user }) => user), true);
  }

  /** @param {string[]} users @param {boolean} here */
  #note(users, here) {
    for (const user of users) if (this.#asked.has(user)) this.#asked.set(user, here);
  }
}
