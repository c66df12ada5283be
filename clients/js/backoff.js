const BASE_MS = 250;
// A person looks at the page while it waits: longer than this feels broken.
const CAP_MS = 10_000;

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
