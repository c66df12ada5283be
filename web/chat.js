import { Parley } from "/js/index.js";

import { link } from "./address.js";
import { paint } from "./avatar.js";
import { watchConnection } from "./banner.js";
import { Crowd } from "./crowd.js";
import { byId, make } from "./dom.js";
import { Followed } from "./followed.js";
import { complain } from "./notice.js";
import { Notifications } from "./notifications.js";
import { Page } from "./page.js";
import { watchRooms } from "./places.js";
import { watchTypists } from "./typists.js";
import { PEOPLE } from "./welcome.js";

/**
 * @import { User } from "/js/types.js"
 * @import { Room } from "/js/index.js"
 */

// How often to look whether "Today" has become "Yesterday".
const MINUTE_MS = 60_000;

/**
 * Show a room to a person, who becomes a member of it.
 * @param {string} name
 * @param {{user: User, token: () => Promise<string>}} session
 */
export function chat(name, { user, token }) {
  const parley = new Parley({ url: location.origin, user, token, storage: storage() });
  const room = parley.room(name);
  furnish(room, user);
  watchConnection(parley);
  watchTypists(room);
  watchRooms(parley, name);
  const followed = new Followed(room, user.id);
  new Crowd(room, user.id, followed);
  new Notifications(parley, room);
  const page = new Page(room, user.id, followed);
  for (const news of /** @type {const} */ (["change", "state", "presence", "read"])) room.on(news, () => page.draw());
  room.on("comment", ({ author }) => author !== user.id && page.arrived());
  room.on("error", (error) => complain(`You cannot be in this room. ${error.message}`));
  join(room);
  room.subscribe();
  page.draw();
  setInterval(() => page.draw(), MINUTE_MS);
}

/** Be a member, whose ticks and unread messages count, as soon as the server can be asked. @param {Room} room */
function join(room) {
  let asked = false;
  room.on("state", () => {
    if (asked || room.state !== "live") return;
    asked = true;
    room.join().catch(({ away }) => (asked = !away));
  });
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
