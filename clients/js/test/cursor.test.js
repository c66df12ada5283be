import assert from "node:assert/strict";
import { test } from "node:test";

import { Cursor } from "../cursor.js";
import { chance } from "./chance.js";
import { Log, scribble } from "./log.js";

/** @param {number} offset @returns {import("../types.js").RoomEvent} */
const event = (offset) => ({ type: "comment.posted", id: `v${offset}`, room: "r", offset, at: "", actor: "ada" });

/** @param {number} head */
function live(head) {
  const cursor = new Cursor();
  cursor.page({ epoch: "e", head });
  cursor.ask();
  cursor.subscribed({ epoch: "e", offset: head, recovered: true });
  return cursor;
}

test("a reader asks to go on from where it stands", () => {
  const cursor = new Cursor();
  assert.equal(cursor.ask(), undefined);
  cursor.page({ epoch: "e", head: 41 });
  assert.deepEqual(cursor.ask(), { epoch: "e", offset: 41 });
});

test("each event is taken once, in order", () => {
  const cursor = live(1);
  assert.deepEqual([2, 2, 1, 3, 3].map((offset) => cursor.event(event(offset))), ["apply", "drop", "drop", "apply", "drop"]);
});

test("an event that is not the next one shows a hole, and is not taken", () => {
  const cursor = live(1);
  assert.equal(cursor.event(event(3)), "hole");
  assert.deepEqual(cursor.ask(), { epoch: "e", offset: 1 });
});

test("what comes before the answer to a subscription is of the one before", () => {
  const cursor = live(1);
  cursor.ask();
  assert.equal(cursor.event(event(2)), "drop");
});

test("when the server cannot replay, live events wait for the page that reaches them", () => {
  const cursor = live(1);
  cursor.ask();
  assert.equal(cursor.subscribed({ epoch: "e", offset: 7, recovered: false }), false);
  assert.deepEqual([8, 9].map((offset) => cursor.event(event(offset))), ["drop", "drop"]);
  assert.equal(cursor.page({ epoch: "e", head: 6 }), null);
  assert.deepEqual(cursor.page({ epoch: "e", head: 8 }), [event(9)]);
  assert.equal(cursor.event(event(10)), "apply");
});

test("a page of another epoch does not fit", () => {
  const cursor = live(1);
  cursor.ask();
  cursor.subscribed({ epoch: "e2", offset: 7, recovered: false });
  assert.equal(cursor.page({ epoch: "e", head: 9 }), null);
});

test("a replay of another epoch is not believed", () => {
  const cursor = live(1);
  cursor.ask();
  assert.equal(cursor.subscribed({ epoch: "e2", offset: 7, recovered: true }), false);
});

test("a room without events is one to resume in as well", () => {
  const cursor = live(0);
  assert.deepEqual(cursor.position, { epoch: "e", offset: 0 });
  assert.equal(cursor.event(event(1)), "apply");
});

test("replay then live is exactly the log, whatever is repeated, lost or late", () => {
  for (let seed = 0; seed < 300; seed++) assert.deepEqual(read(seed), Array.from({ length: 40 }, (_, index) => index + 1), `seed ${seed}`);
});

/** Read a growing log over a bad connection. @param {number} seed @returns {number[]} */
function read(seed) {
  const dice = chance(seed);
  const log = new Log("r");
  const cursor = new Cursor();
  cursor.page({ epoch: "e1", head: 0 });
  /** @type {number[]} */
  const read = [];
  while (read.length < 40) {
    if (log.head < 40) scribble(log, dice);
    const since = cursor.ask()?.offset ?? 0;
    cursor.subscribed({ epoch: "e1", offset: log.head, recovered: true });
    for (const event of log.events.slice(since)) if (!dice.happens(0.1)) take(event);
  }
  return read;

  /** @param {import("../types.js").RoomEvent} event */
  function take(event) {
    if (cursor.event(event) === "apply") read.push(event.offset);
    if (read.length && dice.happens(0.2)) assert.equal(cursor.event(log.events[dice.pick(read) - 1]), "drop");
  }
}
