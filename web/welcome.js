import { link, roomName } from "./address.js";
import { paint } from "./avatar.js";
import { byId, make } from "./dom.js";

/** Whom the demo suggests to be. */
export const PEOPLE = [
  { id: "ada", name: "Ada Lovelace" },
  { id: "grace", name: "Grace Hopper" },
  { id: "alan", name: "Alan Turing" },
];

/** Ask who is here, and for which room. @param {string} room */
export function welcome(room) {
  const field = /** @type {HTMLInputElement} */ (byId("room-name"));
  const name = /** @type {HTMLInputElement} */ (byId("own-name"));
  field.value = room;
  /** @param {string} as */
  const enter = (as) => location.assign(link({ room: roomName(field.value), as }));
  byId("people").replaceChildren(...PEOPLE.map((person) => card(person, enter)));
  byId("entrance").onsubmit = (event) => {
    event.preventDefault();
    if (name.value.trim()) enter(name.value.trim());
    else name.focus();
  };
  byId("welcome").hidden = false;
}

/** @param {{id: string, name: string}} person @param {(as: string) => void} enter */
function card(person, enter) {
  const avatar = make("span", "avatar");
  avatar.ariaHidden = "true";
  paint(avatar, person);
  const button = make("button", "person", avatar, make("span", "", person.name));
  button.type = "button";
  button.onclick = () => enter(person.id);
  return button;
}
