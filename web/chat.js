import { Parley } from "/js/index.js";

import { link } from "./address.js";
import { paint } from "./avatar.js";
import { watchConnection } from "./banner.js";
import { Composer } from "./composer.js";
import { byId, make } from "./dom.js";
import { History } from "./history.js";
import { Messages } from "./messages.js";
import { Scroll } from "./scroll.js";
import { newer, rows } from "./view.js";
import { PEOPLE } from "./welcome.js";

/**
 * @import { Item, User } from "/js/types.js"
 * @import { ParleyError, Room } from "/js/index.js"
 */

// How often to look whether "Today" has become "Yesterday".
const MINUTE_MS = 60_000;

/**
 * Show a room to a person.
 * @param {string} name
 * @param {{user: User, token: () => Promise<string>}} session
 */
export function chat(name, { user, token }) {
  const parley = new Parley({ url: location.origin, user, token, storage: storage() });
  const room = parley.room(name);
  furnish(room, user);
  watchConnection(parley);
  const page = new Page(room);
  room.on("change", () => page.draw());
  room.on("state", () => page.draw());
  room.on("comment", ({ author }) => author !== user.id && page.count());
  room.on("error", (error) => complain(`You cannot be in this room. ${error.message}`));
  room.subscribe();
  page.draw();
  setInterval(() => page.draw(), MINUTE_MS);
}

/** Where unsent messages are kept; nowhere beyond this page if the browser forbids it. */
function storage() {
  try {
    return localStorage;
  } catch {
    return undefined;
  }
}

/** What stays as it is while the room is shown. @param {Room} room @param {User} user */
function furnish(room, user) {
  document.title = `${room.name} · Parley`;
  byId("room-title").textContent = room.name;
  byId("me-name").textContent = user.name;
  paint(byId("me-avatar"), user);
  for (const id of ["leave", "another"]) byId(id).setAttribute("href", link({ room: room.name }));
  byId("others").replaceChildren(...others(room, user));
  byId("notice-close").onclick = () => (byId("notice").hidden = true);
  byId("chat").hidden = false;
}

/** @param {Room} room @param {User} user */
function others(room, user) {
  return PEOPLE.filter(({ id }) => id !== user.id).slice(0, 2).flatMap(({ id, name }, index) => {
    const anchor = make("a", "", name);
    anchor.href = link({ room: room.name, as: id });
    anchor.target = "_blank";
    return index === 0 ? [anchor] : [" or ", anchor];
  });
}

/** The room on the screen. */
class Page {
  #room;
  #messages;
  #scroll;
  #history;
  #composer;
  #unseen = 0;
  #frame = 0;

  /** @param {Room} room */
  constructor(room) {
    this.#room = room;
    this.#history = new History(room);
    const template = /** @type {HTMLTemplateElement} */ (byId("message"));
    this.#messages = new Messages(byId("messages"), template, (action, item) => void this.#act(action, item));
    this.#scroll = new Scroll(byId("log"), byId("messages"), { moved: () => this.#moved(), nearTop: () => this.#history.load() });
    this.#composer = new Composer(room.name, {
      post: (body) => this.#post(body),
      edit: (item, body) => void this.#edit(item, body),
      last: () => room.items.findLast((item) => item.own && item.id !== null && !item.deleted),
    });
    byId("newer").onclick = () => this.#scroll.toEnd({ smooth: true });
    if (matchMedia("(hover: hover)").matches) this.#composer.focus();
  }

  /** With the next frame, however often it is called until then. */
  draw() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#draw();
    });
  }

  /** Somebody else has written. */
  count() {
    if (!this.#scroll.following) this.#unseen++;
    this.#moved();
  }

  #draw() {
    const { items, state } = this.#room;
    this.#scroll.keep(() => {
      this.#messages.show(rows(items, { now: new Date() }));
      this.#history.show();
      byId("empty").hidden = items.length > 0 || state === "loading" || state === "refused";
    });
  }

  #moved() {
    const { following } = this.#scroll;
    if (following) this.#unseen = 0;
    byId("newer").hidden = following;
    byId("newer-text").textContent = newer(this.#unseen);
  }

  /** @param {string} body */
  #post(body) {
    this.#scroll.following = true;
    this.#room.post(body);
  }

  /** @param {Item} item @param {string} body */
  async #edit(item, body) {
    const saved = await attempt("The change was not saved.", this.#room.edit(item.id ?? "", body));
    if (!saved) this.#composer.edit({ ...item, body });
  }

  /** @param {string} action @param {Item} item */
  async #act(action, item) {
    if (action === "edit") this.#composer.edit(item);
    if (action === "retry") this.#room.retry(item.clientId ?? "");
    if (action === "discard") this.#room.discard(item.clientId ?? "");
    if (action !== "remove" || !(await confirmed())) return;
    await attempt("The message was not deleted.", this.#room.remove(item.id ?? ""));
  }
}

/** @param {string} what  it means that it failed @param {Promise<void>} work @returns {Promise<boolean>} it worked */
async function attempt(what, work) {
  try {
    await work;
    return true;
  } catch (error) {
    const { status, message } = /** @type {ParleyError} */ (error);
    complain(`${what} ${status === 0 ? "You seem to be offline: try again when you are back." : message}`);
    return false;
  }
}

/** @param {string} text */
function complain(text) {
  byId("notice-text").textContent = text;
  byId("notice").hidden = false;
}

/** @returns {Promise<boolean>} */
function confirmed() {
  const dialog = /** @type {HTMLDialogElement} */ (byId("confirm"));
  byId("confirm-yes").onclick = () => dialog.close("yes");
  byId("confirm-no").onclick = () => dialog.close("no");
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => (dialog.onclose = () => resolve(dialog.returnValue === "yes")));
}
