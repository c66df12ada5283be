import assert from "node:assert/strict";
import { test } from "node:test";

import { Watermarks } from "../watermarks.js";

/** @param {string} user @param {number} delivered @param {number} read */
const mark = (user, delivered, read) => ({ user, delivered, read });

/** @param {number} offset @param {string} type @param {string} user */
const event = (offset, type, user) => ({ type, id: `v${offset}`, room: "r", offset, at: "", actor: user, user });

/** Of Ada alone, as of event 10. */
function ofAda() {
  const watermarks = new Watermarks();
  watermarks.begin({ members: 1, receipts: [mark("ada", 10, 5)], counts: null }, 10);
  return watermarks;
}

/** @param {Watermarks} watermarks */
const shown = ({ state }) => state && [...state.receipts.values()].map(({ user, delivered, read }) => [user, delivered, read]);

test("those who moved are where they are said to be, and the old state stays as it is", () => {
  const watermarks = ofAda();
  const before = watermarks.state;
  watermarks.receive({ type: "receipts", receipts: [mark("ada", 11, 11), mark("grace", 3, 3)] });
  assert.deepEqual([shown(watermarks), watermarks.state?.members], [[["ada", 11, 11], ["grace", 3, 3]], 2]);
  assert.equal(before?.receipts.get("ada")?.read, 5);
});

test("a member begins at the event that made them one, and ends at the one that says so", () => {
  const watermarks = ofAda();
  watermarks.event(event(11, "member.joined", "grace"));
  watermarks.event(event(12, "comment.posted", "barbara"));
  watermarks.event(event(13, "comment.posted", "grace"));
  watermarks.event(event(14, "comment.edited", "mary"));
  assert.deepEqual(shown(watermarks), [["ada", 10, 5], ["grace", 11, 11], ["barbara", 12, 12]]);
  assert.deepEqual([...(watermarks.state?.receipts.values() ?? [])].map(({ newcomer = false }) => newcomer), [false, true, true]);
  watermarks.event(event(15, "member.left", "grace"));
  assert.deepEqual([shown(watermarks), watermarks.state?.members], [[["ada", 10, 5], ["barbara", 12, 12]], 2]);
});

test("who has left is no member again because of late news", () => {
  const watermarks = ofAda();
  watermarks.event(event(11, "member.left", "ada"));
  watermarks.receive({ type: "receipts", receipts: [mark("ada", 11, 11)] });
  assert.deepEqual(shown(watermarks), []);
  watermarks.event(event(12, "comment.posted", "ada"));
  watermarks.receive({ type: "receipts", receipts: [mark("ada", 13, 13)] });
  assert.deepEqual(shown(watermarks), [["ada", 13, 13]]);
});

test("a replay of what the state knows changes nothing, nor does what comes after a hole", () => {
  const watermarks = ofAda();
  watermarks.event(event(9, "member.left", "ada"));
  watermarks.event(event(12, "member.left", "ada"));
  assert.deepEqual(shown(watermarks), [["ada", 10, 5]]);
});

test("a state that is not known now leaves the old one, and events say nothing about that", () => {
  const watermarks = ofAda();
  watermarks.begin(null, 20);
  watermarks.event(event(21, "comment.posted", "grace"));
  assert.deepEqual(shown(watermarks), [["ada", 10, 5]]);
  watermarks.receive({ type: "receipts", members: 1, receipts: [mark("grace", 7, 7)], counts: null, state: true });
  watermarks.event(event(22, "member.joined", "ada"));
  assert.deepEqual(shown(watermarks), [["grace", 7, 7], ["ada", 22, 22]]);
});

test("in a large room the counts are what is known, until it is small again", () => {
  const watermarks = ofAda();
  /** @type {[number, number][]} */
  const steps = [[10, 101]];
  watermarks.receive({ type: "receipts", members: 101, counts: { delivered: steps, read: steps, newcomers: [] } });
  watermarks.event(event(11, "member.joined", "grace"));
  assert.deepEqual([watermarks.state?.members, watermarks.state?.counts?.read], [101, steps]);
  watermarks.receive({ type: "receipts", members: 1, receipts: [mark("ada", 10, 5)], counts: null, state: true });
  assert.deepEqual([watermarks.state?.members, watermarks.state?.counts], [1, null]);
});
