import { paint } from "./avatar.js";
import { byId, make } from "./dom.js";
import { departed, header, list } from "./presence.js";

/**
 * @import { Room } from "/js/index.js"
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
  #panel = byId("crowd");
  /** @type {readonly Person[]} */
  #here = [];
  /** Members who were not here when we asked, or left since. @type {Absent[]} */
  #absent = [];
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;

  /** @param {Room} room @param {string} me */
  constructor(room, me) {
    this.#room = room;
    this.#me = me;
    this.#panel.addEventListener("toggle", ({ newState }) => this.#toggled(newState === "open"));
    room.on("presence", () => this.#moved());
    this.#moved();
  }

  #moved() {
    const here = this.#room.presence?.people ?? [];
    this.#absent = departed(this.#here, here, this.#absent, Date.now());
    this.#here = here;
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

  /** Without an answer, those who are here are shown. */
  async #look() {
    this.#absent = await absent(this.#room).catch(() => this.#absent);
    this.#show();
  }
}

/** @param {Room} room @returns {Promise<Absent[]>} throws `ParleyError` */
async function absent(room) {
  const { members } = await room.members({ limit: MOST });
  const asked = await room.askPresence(members.map(({ user }) => user));
  const known = new Map(members.map((member) => [member.user, member]));
  const away = asked.filter(({ here }) => !here);
  return away.map(({ user, name, avatar, lastSeen }) => ({ ...known.get(user), user, ...(name && { name, avatar }), lastSeen }));
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
