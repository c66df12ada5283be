const BASE_MS = 250;
// A person looks at the page while it waits: longer than this feels broken.
const CAP_MS = 10_000;
// Those whom a server asks to wait come back over this share of the time more: it may have asked many.
const SPREAD = 0.2;

/**
 * How long to wait before a further attempt: full jitter, so that clients that lost a server together
 * do not return together (AWS Architecture Blog, "Exponential Backoff And Jitter").
 * @param {number} attempt  0 for the first wait
 * @param {number} random  in [0, 1)
 * @returns {number} milliseconds
 */
export function backoff(attempt, random, base = BASE_MS, cap = CAP_MS) {
  return random * Math.min(cap, base * 2 ** attempt);
}

/**
 * The same, but no sooner than the server has asked for.
 * @param {number} attempt
 * @param {number} random  in [0, 1)
 * @param {number} seconds  0 if it has asked for nothing
 * @returns {number} milliseconds
 */
export function again(attempt, random, seconds) {
  return Math.max(seconds * 1000 * (1 + SPREAD * random), backoff(attempt, random));
}
