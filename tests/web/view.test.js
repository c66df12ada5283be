import assert from "node:assert/strict";
import { test } from "node:test";

import { initials, newer, rows, status, tint } from "../../web/view.js";

const READER = { now: new Date("2026-11-23T12:00:00Z"), locale: "en-GB", timeZone: "Europe/Berlin" };

/** @param {string} createdAt @param {Partial<import("../../clients/js/types.js").Item>} [rest] @returns {import("../../clients/js/types.js").Item} */
const item = (createdAt, rest) => ({
  ...{ key: createdAt, id: createdAt, offset: 1, clientId: null, author: "ada", authorName: "Ada", authorAvatar: null, body: "hi" },
  ...{ imageMeta: null, videoMeta: null, createdAt, own: false, edited: false, deleted: false, status: "SENT", error: null },
  ...rest,
});

/** @param {import("../../clients/js/types.js").Item[]} items */
const labels = (items) => rows(items, READER).flatMap((row) => (row.kind === "day" ? [row.label] : []));

test("messages are grouped by the reader's own days", () => {
  const items = ["2026-11-20T10:00:00Z", "2026-11-22T11:00:00Z", "2026-11-22T22:59:00Z", "2026-11-22T23:00:00Z"].map((at) => item(at));
  assert.deepEqual(labels(items).map((label) => label.replace(",", "")), ["Friday 20 November 2026", "Yesterday", "Today"]);
});

test("yesterday is the day before, also when the clocks have changed", () => {
  const reader = { ...READER, now: new Date("2026-10-25T22:30:00Z") };
  const [day] = rows([item("2026-10-24T10:00:00Z")], reader);
  assert.equal(day.kind === "day" && day.label, "Yesterday");
});

test("what one person writes within five minutes is one run", () => {
  const items = [
    item("2026-11-23T10:00:00Z"),
    item("2026-11-23T10:04:00Z"),
    item("2026-11-23T10:05:00Z", { author: "grace" }),
    item("2026-11-23T10:15:00Z", { author: "grace" }),
  ];
  const runs = rows(items, READER).flatMap((row) => (row.kind === "message" ? [[row.first, row.last]] : []));
  assert.deepEqual(runs, [[true, false], [false, true], [true, true], [true, true]]);
});

test("a message shows the reader's time of day", () => {
  const [, message] = rows([item("2026-11-23T10:05:00Z")], READER);
  assert.equal(message.kind === "message" && message.time, "11:05");
});

test("an avatar has the first letters of the first and the last name", () => {
  assert.deepEqual(["Ada Lovelace", "ada", " Jean  le Rond d’Alembert ", "🦊 fox", ""].map(initials), ["AL", "A", "JD", "🦊F", "?"]);
});

test("everyone keeps a colour, one of eight", () => {
  assert.equal(tint("ada"), tint("ada"));
  assert.ok(["ada", "grace", "alan", "", "🦊"].every((id) => tint(id) >= 0 && tint(id) < 8));
});

test("each status has a sign and a word", () => {
  const states = /** @type {const} */ (["SENDING", "SENT", "FAILED"]);
  assert.deepEqual(states.map((state) => status(item("2026-11-23T10:00:00Z", { status: state })).label), ["Sending", "Sent", "Not sent"]);
});

test("the way to the end says how much is new there", () => {
  assert.deepEqual([0, 1, 2].map(newer), ["Newest", "1 new message", "2 new messages"]);
});
