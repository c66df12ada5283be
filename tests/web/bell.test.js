import assert from "node:assert/strict";
import { test } from "node:test";

import { label, wanted, words } from "../../web/bell.js";

/** @import { Standing } from "../../web/bell.js" */

/** @type {Standing} */
const ON = { permission: "granted", notified: "ada", me: "ada", way: "push", hitch: null, busy: false };
/** @type {Standing} */
const OFF = { ...ON, permission: "default", notified: null, way: null };

/** @type {[string, Partial<Standing>, boolean, boolean, RegExp][]} */
const CASES = [
  ["on", ON, true, true, /^On, even when no page is open\.$/],
  ["on, the server is being told", { ...ON, way: null }, true, true, /^On$/],
  ["on, without a push service", { ...ON, way: "page", hitch: "service" }, true, true, /while this page is open: its push service/],
  ["on, without keys of the server", { ...ON, way: "page", hitch: "server" }, true, true, /this server pushes to no browsers/],
  ["on, without workers", { ...ON, way: "page", hitch: "browser" }, true, true, /this browser takes no pushes/],
  ["on, though the server does not take it", { ...ON, way: "page", hitch: "refused" }, true, true, /does not push to this browser/],
  ["on, without an answer", { ...ON, way: "page", hitch: "answer" }, true, true, /does not answer/],
  ["off", OFF, false, true, /^Off$/],
  ["off, though allowed", { ...OFF, permission: "granted" }, false, true, /^Off$/],
  ["being switched on", { ...OFF, busy: true }, false, true, /^One moment…$/],
  ["for somebody else", { ...ON, notified: "grace" }, false, true, /somebody else/],
  ["forbidden: how to undo it", { ...ON, permission: "denied" }, false, true, /Blocked by the browser.*settings for this site/],
  ["not over https", { ...OFF, permission: "insecure" }, false, false, /https/],
  ["only as an app", { ...OFF, permission: "homescreen" }, false, false, /Home Screen/],
  ["unknown to the browser", { ...OFF, permission: "impossible" }, false, false, /does not know notifications/],
];

for (const [what, standing, on, possible, note] of CASES) {
  test(`notifications are ${what}`, () => {
    const said = words({ ...ON, ...standing });
    assert.deepEqual([said.on, said.possible], [on, possible]);
    assert.match(said.note, note);
  });
}

test("they are for one person of a browser at a time, who was asked", () => {
  assert.deepEqual([wanted(ON), wanted({ ...ON, notified: "grace" }), wanted({ ...ON, permission: "denied" })], [true, false, false]);
});

test("the bell says how it stands", () => {
  assert.deepEqual([label(true, false), label(false, true)], ["Notifications: on", "Notifications: off, this room is muted"]);
});
