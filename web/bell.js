/**
 * How it stands with notifications in this browser, as values.
 *
 * @typedef {"push" | "page" | null} Way  page: only while one is open; null: none, or it is not known yet
 * @typedef {"browser" | "service" | "server" | "refused" | "answer"} Hitch  what keeps pushes from coming
 * @typedef {object} Standing
 * @property {NotificationPermission | "insecure" | "homescreen" | "impossible"} permission
 *   insecure: not https; homescreen: only an app can have them; impossible: the browser knows none
 * @property {string | null} notified  whom notifications in this browser are for
 * @property {string} me
 * @property {Way} way
 * @property {Hitch | null} hitch
 * @property {boolean} busy
 */

/** @type {Record<string, string>} */
const NEVER = {
  insecure: "Browsers allow notifications only where the address begins with https.",
  homescreen: "On an iPhone or iPad, first add this page to the Home Screen.",
  impossible: "This browser does not know notifications.",
};
const DENIED = "Blocked by the browser. Allow notifications in its settings for this site, at the left of the address, then switch this on.";
/** @type {Record<Hitch, string>} */
const HITCHES = {
  browser: "On while this page is open: this browser takes no pushes.",
  service: "On while this page is open: its push service is out of reach, as in a private window.",
  server: "On while this page is open: this server pushes to no browsers.",
  refused: "On while this page is open: this server does not push to this browser.",
  answer: "On while this page is open: the server does not answer for now.",
};

/** They are for whoever is at this page. @param {Pick<Standing, "permission" | "notified" | "me">} standing */
export const wanted = ({ permission, notified, me }) => permission === "granted" && notified === me;

/** @param {Standing} standing @returns {{on: boolean, possible: boolean, note: string}} possible: that it be switched on */
export function words(standing) {
  const never = NEVER[standing.permission];
  return { on: wanted(standing), possible: never === undefined, note: never ?? note(standing) };
}

/** @param {Standing} standing */
function note(standing) {
  const { permission, notified, me, hitch, way, busy } = standing;
  if (permission === "denied") return DENIED;
  if (busy) return "One moment…";
  if (!wanted(standing)) return notified !== null && notified !== me ? "On for somebody else who uses this browser." : "Off";
  if (way === "push") return "On, even when no page is open.";
  return hitch === null ? "On" : HITCHES[hitch];
}

/** What the bell itself says. @param {boolean} on @param {boolean} muted  this room */
export const label = (on, muted) => `Notifications: ${on ? "on" : "off"}${muted ? ", this room is muted" : ""}`;
