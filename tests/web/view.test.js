import assert from "node:assert/strict";
import { test } from "node:test";

import { initials, newer, rows, tint, title } from "../../web/view.js";

const READER = { now: new Date("2026-11-23T12:00:00Z"), locale: "en-GB", timeZone: "Europe/Berlin" };

/** @param {string} createdAt @param {Partial<import("../../clients/js/types.js").Item>} [rest] @returns {import("../../clients/js/types.js").Item} */
const item = (createdAt, rest) => ({
  ...{ key: createdAt, id: createdAt, offset: 1, clientId: null, author: "ada", authorName: "Ada", authorAvatar: null, body: "hi" },
  ...{ imageMeta: null, videoMeta: null, createdAt, own: false, edited: false, deleted: false, status: "SENT", error: null },
  ...{ mentions: [], others: null, deliveredTo: null, readBy: null },
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

/** What stands on the page, in short. @param {number | null} after @param {Partial<import("../../clients/js/types.js").Item>[]} items */
const outline = (after, items) =>
  rows(items.map((rest, index) => item(`2026-11-23T10:0${index}:00Z`, { offset: index + 1, ...rest })), { ...READER, after }).map((row) =>
    row.kind === "message" ? `${row.first ? "(" : ""}${row.item.offset}${row.last ? ")" : ""}` : row.label,
  );

test("a line stands above the first message that is new, and ends a run there", () => {
  assert.deepEqual(outline(1, [{}, {}, {}]), ["Today", "(1)", "New messages", "(2", "3)"]);
  assert.deepEqual(outline(0, [{}, {}]), ["Today", "New messages", "(1", "2)"]);
  assert.deepEqual(outline(3, [{}, {}, {}]), ["Today", "(1", "2", "3)"]);
  assert.deepEqual(outline(null, [{}, {}]), ["Today", "(1", "2)"]);
});

test("own and deleted messages are not new to anybody, nor those on their way", () => {
  assert.deepEqual(outline(1, [{}, { own: true }, { deleted: true }, {}]), ["Today", "(1", "2", "3)", "New messages", "(4)"]);
  assert.deepEqual(outline(1, [{}, { own: true, offset: null }]), ["Today", "(1", "null)"]);
});

test("whoever is here has a dot beside what they wrote", () => {
  const items = ["ada", "grace", "alan"].map((author, index) => item(`2026-11-23T10:0${index}:00Z`, { author }));
  const here = new Map([["ada", /** @type {const} */ ("active")], ["grace", /** @type {const} */ ("idle")]]);
  assert.deepEqual(rows(items, { ...READER, here }).flatMap((row) => (row.kind === "message" ? [row.dot] : [])), ["active", "idle", "away"]);
});

test("the title says how much is unread", () => {
  assert.deepEqual([0, 3].map((unread) => title("chat-5-12", unread)), ["chat-5-12 · Parley", "(3) chat-5-12 · Parley"]);
});

test("the way to the end says how much is new there", () => {
  assert.deepEqual([0, 1, 2].map(newer), ["Newest", "1 new message", "2 new messages"]);
});
