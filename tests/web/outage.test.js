import assert from "node:assert/strict";
import { test } from "node:test";

import { banner } from "../../web/outage.js";

/**
 * @import { Standing } from "../../clients/js/connection.js"
 * @import { Banner } from "../../web/outage.js"
 */

/** @param {Partial<Standing>} [standing] @returns {Standing} */
const standing = (standing) => ({ state: "connected", retryAt: null, reason: null, planned: false, degraded: false, ...standing });

const connecting = standing({ state: "connecting" });
const connected = standing();
const lost = standing({ state: "waiting" });
const drained = standing({ state: "waiting", planned: true });
const offline = standing({ state: "waiting", reason: "offline" });
const degraded = standing({ degraded: true });

/** What a page says in the end, each time long enough for it to be said. @param {...Standing} standings */
const said = (...standings) => follow(true, standings);

/** The same when each time is too short for anything that can wait. @param {...Standing} standings */
const meant = (...standings) => follow(false, standings);

/** @param {boolean} visible @param {Standing[]} standings */
function follow(visible, standings) {
  let connectedBefore = false;
  return standings.reduce((last, standing) => {
    const next = banner(standing, { connectedBefore, banner: last, visible });
    connectedBefore ||= standing.state === "connected";
    return next;
  }, /** @type {Banner | null} */ (null));
}

test("a connection that comes as expected is not talked about", () => {
  assert.equal(said(connecting)?.kind, "quiet");
  assert.equal(said(connecting, connected), null);
});

test("an outage is shown until it is over, without flicker, and then its end", () => {
  const outage = said(connected, lost);
  assert.equal(outage?.text, "Connection lost. Your messages are kept.");
  assert.deepEqual(said(connected, lost, connecting), outage);
  assert.deepEqual(said(connected, lost, connecting, drained, connecting), outage);
  assert.equal(said(connected, lost, connecting, connected)?.text, "Reconnected.");
});

test("a browser that is offline is, until the connection is back", () => {
  assert.equal(said(connected, offline)?.text, "Offline. Your messages will be sent when you are back.");
  assert.deepEqual(said(connected, offline, connecting, lost), said(connected, offline));
});

test("an outage that nobody has seen has no end either", () => {
  assert.equal(meant(connected, lost, connecting, connected), null);
  assert.equal(meant(connected, degraded, connected), null);
});

test("what may be over within a moment waits for it, and what is certain does not", () => {
  const waiting = [said(connecting), said(connected, lost), said(connected, drained), said(connected, degraded)];
  assert.ok(waiting.every((banner) => (banner?.delay ?? 0) >= 1000));
  assert.deepEqual([said(connected, offline), said(connecting, lost)].map((banner) => banner?.delay), [0, 0]);
});

test("a server that goes away in order is no outage, unless it stays away", () => {
  assert.deepEqual([said(connected, drained)?.kind, said(connected, drained, connecting)?.kind], ["quiet", "quiet"]);
  assert.equal(said(connected, drained, connecting, connected), null);
  assert.equal(said(connected, drained, connecting, lost)?.kind, "offline");
});

test("a server that is busy at first is still being connected to", () => {
  assert.equal(said(connecting, drained, connecting)?.text, "Connecting…");
});

test("while messages may be late the reader is told, and told when not any more", () => {
  assert.equal(said(connected, degraded)?.text, "Messages may be late. Yours are saved.");
  assert.equal(said(connected, degraded, connected)?.text, "Up to date again.");
  assert.equal(said(connected, lost, connecting, connected, degraded)?.kind, "late");
  assert.equal(said(connected, degraded, lost)?.kind, "offline");
});

test("what the server has ended for good says why, and what to do", () => {
  const ended = said(connected, standing({ state: "closed", reason: "the token is not valid" }));
  assert.deepEqual([ended?.text, ended?.action], ["Disconnected: the token is not valid.", "Reload"]);
});
