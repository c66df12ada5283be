import { byId } from "./dom.js";
import { banner } from "./outage.js";

/**
 * @import { Parley } from "/js/index.js"
 * @import { Banner } from "./outage.js"
 */

// Long enough to be read.
const BACK_MS = 2500;
const ICONS = { quiet: "clock", offline: "offline", back: "check", ended: "alert" };

/** Say how the connection stands, when it matters. @param {Parley} parley */
export function watchConnection(parley) {
  /** @type {Banner | null} */
  let shown = null;
  let connectedBefore = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const update = () => {
    const next = banner(parley.standing, { connectedBefore, banner: shown });
    connectedBefore ||= parley.standing.state === "connected";
    if (next?.kind !== shown?.kind || next?.text !== shown?.text) show(next);
    shown = next;
    clearTimeout(timer);
    if (next?.kind === "back") timer = setTimeout(() => show((shown = null)), BACK_MS);
  };
  byId("banner-action").onclick = () => (shown?.action === "Reload" ? location.reload() : parley.connect());
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
