import { ParleyError, asParleyError } from "./errors.js";

/**
 * @import { Comment, Member, MemberPage, Page, Pending } from "./types.js"
 * @import { Tokens } from "./tokens.js"
 * @import { Platform } from "./platform.js"
 */

/** The server over HTTP. Every method throws `ParleyError`. */
export class Http {
  #url;
  #tokens;
  #platform;

  /** @param {string} url @param {Tokens} tokens @param {Platform} platform */
  constructor(url, tokens, platform) {
    this.#url = url;
    this.#tokens = tokens;
    this.#platform = platform;
  }

  /**
   * @param {string} room
   * @param {{before?: number, limit?: number}} [range]  without `before`: the newest
   * @returns {Promise<Page>}
   */
  page(room, { before, limit = 50 } = {}) {
    const query = new URLSearchParams({ limit: String(limit), ...(before === undefined ? {} : { before: String(before) }) });
    return this.request("GET", `${path(room, "comments")}?${query}`);
  }

  /** @param {Pending} entry @returns {Promise<Comment>} the same one however often it is sent */
  post({ room, clientId, body, imageMeta, videoMeta, urgent }) {
    const draft = { body, clientId, imageMeta, videoMeta, ...(urgent && { urgent }) };
    return this.request("POST", path(room, "comments"), draft, { "Idempotency-Key": clientId });
  }

  /** @param {string} id @param {string} body @returns {Promise<Comment>} */
  edit(id, body) {
    return this.request("PATCH", `/v1/comments/${encodeURIComponent(id)}`, { body });
  }

  /** @param {string} id @returns {Promise<unknown>} */
  remove(id) {
    return this.request("DELETE", `/v1/comments/${encodeURIComponent(id)}`);
  }

  /** @param {string} room @returns {Promise<Member>} this person, who is one now */
  join(room) {
    return this.request("POST", path(room, "members"), {});
  }

  /** @param {string} room @param {{after?: string, limit?: number}} [range]  after: a user id @returns {Promise<MemberPage>} */
  async members(room, { after = "", limit = 50 } = {}) {
    const query = new URLSearchParams({ limit: String(limit), ...(after && { after }) });
    const { members, next } = await this.request("GET", `${path(room, "members")}?${query}`);
    return { members, next: next && members.at(-1).user };
  }

  /**
   * @param {string} method
   * @param {string} target  path, and query if there is one
   * @param {object} [content]  to be sent as JSON
   * @param {Record<string, string>} [headers]
   * @returns {Promise<any>} what the answer's JSON says; null for an empty one
   */
  async request(method, target, content, headers = {}) {
    try {
      const token = await this.#tokens.get();
      const first = await this.#send(token, method, target, content, headers);
      if (first.status !== 401) return await result(first);
      return await result(await this.#send(await this.#tokens.renew(token), method, target, content, headers));
    } catch (error) {
      throw asParleyError(error);
    }
  }

  /** @param {string} token @param {string} method @param {string} target @param {object} [content] @param {Record<string, string>} [headers] */
  #send(token, method, target, content, headers) {
    const body = content && { body: JSON.stringify(content) };
    const type = content && { "Content-Type": "application/json" };
    return this.#platform.fetch(this.#url + target, {
      method,
      headers: /** @type {Record<string, string>} */ ({ Authorization: `Bearer ${token}`, ...type, ...headers }),
      ...body,
    });
  }
}

/** @param {string} room @param {"comments" | "members" | "mute"} what */
export const path = (room, what) => `/v1/rooms/${encodeURIComponent(room)}/${what}`;

/** @param {Response} response @returns {Promise<any>} null for an empty answer */
async function result(response) {
  const text = await response.text();
  if (response.ok) return text === "" ? null : JSON.parse(text);
  throw problem(response, text);
}

/** RFC 9457, or whatever a proxy in between has said. @param {Response} response @param {string} text */
function problem({ status, headers }, text) {
  const { title, detail, type } = parsed(text);
  const retryAfter = Number(headers.get("Retry-After") ?? NaN);
  return new ParleyError(detail || title || `The server answered ${status}.`, {
    status,
    code: type ?? "",
    retryAfter: Number.isFinite(retryAfter) ? retryAfter : null,
  });
}

/** @param {string} text @returns {{title?: string, detail?: string, type?: string}} */
function parsed(text) {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}
