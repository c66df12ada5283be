/**
 * A small seeded generator (mulberry32): a failing test names its seed and can be run again.
 * @param {number} seed
 */
export function chance(seed) {
  let state = seed >>> 0;
  const random = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  /** @param {number} below */
  const whole = (below) => Math.floor(random() * below);
  return {
    random,
    whole,
    /** @param {number} probability */
    happens: (probability) => random() < probability,
    /** @template T @param {readonly T[]} among @returns {T} */
    pick: (among) => among[whole(among.length)],
  };
}

/** @typedef {ReturnType<typeof chance>} Chance */
