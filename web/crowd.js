import { paint } from "./avatar.js";
import { byId, make } from "./dom.js";
import { asked, departed, header, list, parted } from "./presence.js";

/**
 * @import { Room } from "/js/index.js"
 * @import { Followed } from "./followed.js"
 * @import { Absent, Entry, Person } from "./presence.js"
 */

// How often "5 minutes ago" is looked up again while it is shown.
const MINUTE_MS = 60_000;
// Members that are looked up: as many as may be asked for at once.
const MOST = 100;

/** Who is here, in the header; and in the list behind it, who is away. */
export class Crowd {
  #room;
  #me;
  #followed;
  #panel = byId("crowd");
  /** In a large room, those of whom that is known. @type {readonly Person[]} */
  #here = [];
  /** Members who were not here when we asked, or left since. @type {Absent[]} */
  #absent = [];
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;

  /** @param {Room} room @param {string} me @param {Followed} followed */
  constructor(room, me, followed) {
    this.#room = room;
    this.#me = me;
    this.#followed = followed;
    this.#panel.addEventListener("toggle", ({ newState }) => this.#toggled(newState === "open"));
    room.on("presence", () => this.#moved());
    this.#moved();
  }

  #moved() {
    const { presence } = this.#room;
    const known = { here: this.#here, absent: this.#absent };
    const now = Date.now();
    if (presence?.people === null) this.#know(asked(known, (user) => this.#room.here(user), now));
    else this.#know(departed(known, presence?.people ?? [], now));
  }

  /** @param {{here: readonly Person[], absent: Absent[]}} known */
  #know({ here, absent }) {
    this.#here = here;
    this.#absent = absent;
    this.#show();
  }

  #show() {
    const { presence } = this.#room;
    byId("here").hidden = presence === null;
    if (presence === null) return this.#panel.hidePopover();
    const { faces, text, label } = header(presence, this.#me);
    byId("here").ariaLabel = label;
    byId("here-text").textContent = text;
    byId("here-faces").replaceChildren(...faces.map(face));
    const entries = list(this.#here, this.#absent, { me: this.#me, now: Date.now() });
    byId("crowd-list").replaceChildren(...entries.map(line));
  }

  /** @param {boolean} open */
  #toggled(open) {
    clearInterval(this.#timer);
    if (!open) return;
    void this.#look();
    this.#timer = setInterval(() => void this.#look(), MINUTE_MS);
  }

  /** Without an answer, those who are known are shown. */
  async #look() {
    const found = await look(this.#room, this.#followed).catch(() => null);
    if (found) this.#know({ here: this.#room.presence?.people ?? found.here, absent: found.absent });
  }
}

/** Members, and who else is followed. @param {Room} room @param {Followed} followed @returns {Promise<{here: Person[], absent: Absent[]}>} throws `ParleyError` */
async function look(room, followed) {
  const { members } = await room.members({ limit: MOST });
  const found = await followed.members(members.map(({ user }) => user));
  return parted(found, new Map(members.map((member) => [member.user, member])));
}

/** @param {Entry} entry */
function face({ user, name, avatar, dot }) {
  const picture = make("span", "avatar");
  paint(picture, { id: user, name, avatar });
  return make("span", "face", picture, make("span", `dot ${dot}`));
}

/** @param {Entry} entry */
function line(entry) {
  const picture = face(entry);
  picture.ariaHidden = "true";
  return make("li", `entry ${entry.dot}`, picture, make("span", "entry-name", entry.name), make("span", "entry-note", entry.note));
}
