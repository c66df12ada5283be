import { Composer } from "./composer.js";
import { byId } from "./dom.js";
import { History } from "./history.js";
import { Line } from "./line.js";
import { Messages } from "./messages.js";
import { attempt, confirmed } from "./notice.js";
import { dots } from "./presence.js";
import { Reading } from "./reading.js";
import { Scroll } from "./scroll.js";
import { firstNew, newer, rows, title } from "./view.js";

/**
 * @import { Item } from "/js/types.js"
 * @import { Room } from "/js/index.js"
 * @import { Followed } from "./followed.js"
 */

/** The messages of a room on the screen. */
export class Page {
  #room;
  #followed;
  #messages;
  #scroll;
  #history;
  #composer;
  #reading;
  #line = new Line();
  /** Where the line was drawn. @type {number | null} */
  #drawn = null;
  #frame = 0;

  /** @param {Room} room @param {string} me @param {Followed} followed */
  constructor(room, me, followed) {
    this.#room = room;
    this.#followed = followed;
    this.#history = new History(room);
    this.#reading = new Reading(byId("log"), (offset) => room.markRead(offset));
    const act = (/** @type {string} */ action, /** @type {Item} */ item) => void this.#act(action, item);
    this.#messages = new Messages(byId("messages"), byId("message"), { me, reading: this.#reading, act });
    this.#scroll = new Scroll(byId("log"), byId("messages"), { moved: () => this.#count(), nearTop: () => this.#history.load() });
    this.#composer = new Composer(room.name, {
      post: (body) => this.#post(body),
      edit: (item, body) => void this.#edit(item, body),
      last: () => room.items.findLast((item) => item.own && item.id !== null && !item.deleted),
      typed: () => room.typing(),
    });
    byId("newer").onclick = () => this.#scroll.toEnd({ smooth: true });
    document.addEventListener("visibilitychange", () => this.#looked());
    if (matchMedia("(hover: hover)").matches) this.#composer.focus();
  }

  /** With the next frame, however often it is called until then; the title at once: a hidden page has no frames. */
  draw() {
    this.#count();
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#draw();
    });
  }

  /** Somebody else has written. */
  arrived() {
    this.#line.arrived();
    this.draw();
  }

  #draw() {
    const { items, state, presence } = this.#room;
    this.#begin();
    const { after } = this.#line;
    const authors = [...new Set(items.map(({ author }) => author).reverse())];
    this.#followed.authors(authors);
    const here = dots(presence, authors, (user) => this.#room.here(user));
    this.#scroll.keep(() => {
      this.#messages.show(rows(items, { now: new Date(), after, here }));
      this.#history.show();
      byId("empty").hidden = items.length > 0 || state === "loading" || state === "refused";
    });
    if (after !== this.#drawn) this.#scroll.reveal(document.querySelector(".news"));
    this.#drawn = after;
    byId("chat").classList.toggle("adrift", state !== "live");
    this.#count();
  }

  /** As soon as it is known what the reader has read, and what there is: only then may what they see count as read. */
  #begin() {
    const { items, state, readUpTo } = this.#room;
    if (state !== "live" || readUpTo === null) return;
    this.#line.begin(readUpTo, firstNew(items, readUpTo) >= 0);
    this.#reading.start();
  }

  #count() {
    const { name } = this.#room;
    const unread = this.#room.unread ?? 0;
    const { following } = this.#scroll;
    document.title = title(name, document.hidden || !following ? unread : 0);
    byId("newer").hidden = following;
    byId("newer-text").textContent = newer(unread);
  }

  #looked() {
    if (document.hidden) this.#line.leave(this.#room.readUpTo);
    else this.#line.back();
    this.#count();
  }

  /** @param {string} body */
  #post(body) {
    this.#line.posted();
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
