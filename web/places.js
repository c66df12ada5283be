import { link } from "./address.js";
import { byId, make } from "./dom.js";
import { elsewhere, entries } from "./rooms.js";

/**
 * @import { Parley } from "/js/index.js"
 * @import { Entry } from "./rooms.js"
 */

/** Show behind the room's name where else the person is a member, and what is new there. @param {Parley} parley @param {string} room */
export function watchRooms(parley, room) {
  const show = () => {
    const { unread, user } = parley;
    const news = elsewhere(unread, room);
    byId("elsewhere").textContent = news;
    byId("elsewhere").hidden = news === "";
    byId("rooms-list").replaceChildren(...entries(unread, room).map((entry) => line(entry, user.id)));
  };
  parley.on("unread", show);
  parley.watchUnread();
  show();
}

/** @param {Entry} entry @param {string} as */
function line({ room, unread, mentioned, label, current }, as) {
  const anchor = make("a", "place", make("span", "place-name", room));
  anchor.href = link({ room, as });
  if (current) anchor.ariaCurrent = "page";
  if (unread === "") return make("li", "", anchor);
  const badge = make("span", "badge", mentioned ? `@ ${unread}` : unread);
  badge.ariaHidden = "true";
  anchor.append(badge, make("span", "sr-only", label));
  return make("li", "", anchor);
}
