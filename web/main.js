import { link, read } from "./address.js";
import { chat } from "./chat.js";
import { byId } from "./dom.js";
import { NOTIFIED, recall } from "./kept.js";
import { NoSession, enter } from "./session.js";
import { welcome } from "./welcome.js";

/** @param {unknown} error @returns {{title: string, advice: string}} */
function trouble(error) {
  if (!(error instanceof NoSession)) {
    return { title: "The server cannot be reached", advice: "Is it running? Your unsent messages are kept on this device." };
  }
  if (error.status === 429) return { title: "Too many visits", advice: "Wait a moment, then try again." };
  return {
    title: "There is no demo here",
    advice: "This server gives no tokens to this page. Open it at the address that “parley up” printed.",
  };
}

/** @param {unknown} error */
function showTrouble(error) {
  const { title, advice } = trouble(error);
  byId("trouble-title").textContent = title;
  byId("trouble-advice").textContent = advice;
  byId("trouble-again").onclick = () => location.reload();
  byId("trouble").hidden = false;
}

const { room, as, notified } = read(location.search);
const person = as ?? (notified ? recall(NOTIFIED) : null);
if (notified) history.replaceState(null, "", link({ room, as: person ?? undefined }));
if (person === null) welcome(room);
else await enter(person).then((session) => chat(room, session), showTrouble);
