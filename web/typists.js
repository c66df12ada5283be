import { byId } from "./dom.js";
import { aloud, typing } from "./typing.js";

/**
 * @import { Room } from "/js/index.js"
 * @import { Said } from "./typing.js"
 */

/** Show under the messages who is typing. @param {Room} room */
export function watchTypists(room) {
  let shown = "";
  /** @type {Said | null} */
  let said = null;
  room.on("typing", () => {
    const text = typing(room.typists);
    const news = aloud(shown, text, said, Date.now());
    said = news ?? said;
    show((shown = text));
    byId("typing-aloud").textContent = news?.text ?? "";
  });
}

/** What was shown last fades with its words. @param {string} text */
function show(text) {
  byId("typing").classList.toggle("shown", text !== "");
  if (text !== "") byId("typing-text").textContent = text;
}
