/**
 * @import { User } from "/js/types.js"
 * @typedef {{token: string, user: User, expires: number}} Grant  expires: seconds since 1970
 */

// The server asks for another token a minute before this one expires; clocks may differ by as much again.
const MARGIN_S = 120;

/** The server gives this page no token. */
export class NoSession extends Error {
  /** @param {number} status  of HTTP */
  constructor(status) {
    super(`the server answered ${status}`);
    this.status = status;
  }
}

/**
 * Be somebody, with a token that is renewed in time.
 * @param {string} as
 * @returns {Promise<{user: User, token: () => Promise<string>}>} throws `NoSession`, or TypeError when there is no server
 */
export async function enter(as) {
  let grant = await ask(as);
  const token = async () => {
    if (grant.expires - MARGIN_S < Date.now() / 1000) grant = await ask(as);
    return grant.token;
  };
  return { user: grant.user, token };
}

/** @param {string} as @returns {Promise<Grant>} */
async function ask(as) {
  const response = await fetch(`/demo/session?${new URLSearchParams({ user: as })}`);
  if (!response.ok) throw new NoSession(response.status);
  return response.json();
}
