import assert from "node:assert/strict";
import { test } from "node:test";

import { sign } from "../../web/ticks.js";

/** @param {import("../../clients/js/types.js").Status} status @param {[number, number, number]} [counts]  of others */
const shown = (status, [others, deliveredTo, readBy] = [1, 0, 0]) => {
  const { icon, read, label } = sign({ status, others, deliveredTo, readBy });
  return [icon, read ? "blue" : "", label].filter(Boolean).join(", ");
};

test("each status has a sign and a word", () => {
  const states = /** @type {const} */ (["SENDING", "SENT", "DELIVERED", "READ", "FAILED"]);
  assert.deepEqual(states.map((status) => shown(status)), ["clock, Sending", "check, Sent", "checks, Delivered", "checks, blue, Read", "alert, Not sent"]);
});

test("among several, the words say how many", () => {
  assert.equal(shown("SENT", [3, 0, 0]), "check, Sent");
  assert.equal(shown("SENT", [3, 2, 0]), "check, Delivered to 2 of 3");
  assert.equal(shown("SENT", [3, 2, 1]), "check, Delivered to 2 of 3, read by 1");
  assert.equal(shown("DELIVERED", [3, 3, 0]), "checks, Delivered to everyone");
  assert.equal(shown("DELIVERED", [3, 3, 2]), "checks, Delivered to everyone, read by 2 of 3");
  assert.equal(shown("READ", [3, 3, 3]), "checks, blue, Read by everyone");
});

test("a status is shown also while nobody knows how many", () => {
  const unknown = { others: null, deliveredTo: null, readBy: null };
  assert.deepEqual(["SENT", "DELIVERED", "READ"].map((status) => sign({ status: /** @type {"SENT"} */ (status), ...unknown }).label), ["Sent", "Delivered", "Read"]);
});
