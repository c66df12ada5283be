// The server is away or busy: worth any number of attempts.
const AWAY = new Set([0, 408, 425, 429, 502, 503, 504]);

/** Parley's answer was not the one that was asked for. */
export class ParleyError extends Error {
  /**
   * @param {string} message  for people
   * @param {{status?: number, code?: string, retryAfter?: number | null}} [details]
   *   status: of HTTP, 0 when there was no answer at all; retryAfter: seconds
   */
  constructor(message, { status = 0, code = "", retryAfter = null } = {}) {
    super(message);
    this.name = "ParleyError";
    this.status = status;
    this.code = code;
    this.retryAfter = retryAfter;
  }

  /** The same request may succeed later without a change. */
  get away() {
    return AWAY.has(this.status);
  }

  /** The server failed at this very request: worth a few attempts. */
  get broken() {
    return this.status >= 500 && !this.away;
  }
}

/**
 * @param {unknown} error
 * @returns {ParleyError} `error` itself, or one that says there was no answer
 */
export function asParleyError(error) {
  if (error instanceof ParleyError) return error;
  return new ParleyError(error instanceof Error ? error.message : String(error));
}
