import { byId } from "./dom.js";
import { banner } from "./outage.js";

/**
 * @import { Parley } from "/js/index.js"
 * @import { Banner } from "./outage.js"
 */

// Long enough to be read.
const BACK_MS = 2500;
const ICONS = { quiet: "clock", offline: "offline", late: "clock", back: "check", ended: "alert" };

/** Say how the connection stands, when it matters. @param {Parley} parley */
export function watchConnection(parley) {
  /** @type {Banner | null} */
  let last = null;
  let visible = false;
  let connectedBefore = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  /** @param {Banner | null} next */
  const say = (next) => {
    show((last = next));
    visible = next !== null;
    if (next?.kind === "back") timer = setTimeout(() => say(null), BACK_MS);
  };
  const update = () => {
    const next = banner(parley.standing, { connectedBefore, banner: last, visible });
    connectedBefore ||= parley.standing.state === "connected";
    if (next?.text === last?.text) return;
    clearTimeout(timer);
    if (next === null || visible || next.delay === 0) return say(next);
    last = next;
    timer = setTimeout(() => say(next), next.delay);
  };
  byId("banner-action").onclick = () => (last?.action === "Reload" ? location.reload() : parley.connect());
  parley.on("state", update);
  update();
}

/** @param {Banner | null} banner */
function show(banner) {
  const place = byId("banner");
  place.hidden = banner === null;
  if (!banner) return;
  place.className = `banner ${banner.kind}`;
  byId("banner-text").textContent = banner.text;
  byId("banner-action").hidden = banner.action === null;
  byId("banner-action").textContent = banner.action ?? "";
  place.firstElementChild?.setAttribute("class", `icon ${ICONS[banner.kind]}`);
}
