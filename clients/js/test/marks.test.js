import assert from "node:assert/strict";
import { test } from "node:test";

import { Marks } from "../marks.js";
import { chance } from "./chance.js";

test("what has come is due as delivered, once", () => {
  const marks = new Marks();
  assert.equal(marks.due(0), null);
  assert.deepEqual(marks.due(7), { kind: "delivered", offset: 7 });
  marks.taken({ kind: "delivered", offset: 7 });
  assert.equal(marks.due(7), null);
});

test("what is read was delivered, but only what has come is said to be read", () => {
  const marks = new Marks();
  marks.read(9);
  assert.deepEqual(marks.due(7), { kind: "read", offset: 7 });
  marks.taken({ kind: "read", offset: 7 });
  assert.equal(marks.due(7), null);
  assert.deepEqual(marks.due(10), { kind: "read", offset: 9 });
});

test("what the server has by another device is not told it", () => {
  const marks = new Marks();
  marks.read(5);
  assert.ok(marks.seen({ delivered: 8, read: 6 }));
  assert.equal(marks.due(8), null);
  assert.deepEqual(marks.due(9), { kind: "delivered", offset: 9 });
});

test("on a new connection all of it is told again, but for what the server shows to have", () => {
  const marks = new Marks();
  marks.read(5);
  marks.taken({ kind: "read", offset: 5 });
  marks.anew();
  assert.deepEqual(marks.due(5), { kind: "read", offset: 5 });
  marks.seen({ delivered: 5, read: 5 });
  assert.equal(marks.due(5), null);
});

test("a newcomer has read up to where they began, and yet says so once they read", () => {
  const marks = new Marks();
  assert.ok(marks.seen({ delivered: 5, read: 5, newcomer: true }));
  assert.deepEqual([marks.upTo, marks.due(5)], [5, null]);
  assert.ok(!marks.read(4));
  assert.deepEqual(marks.due(5), { kind: "read", offset: 4 });
  marks.taken({ kind: "read", offset: 4 });
  marks.seen({ delivered: 5, read: 5, newcomer: false });
  assert.equal(marks.due(5), null);
});

test("a count of what is unread moves the own watermark, and says nothing of what the server was told", () => {
  const marks = new Marks();
  assert.deepEqual([marks.counted(5), marks.counted(4), marks.upTo], [true, false, 5]);
  marks.read(4);
  assert.deepEqual(marks.due(5), { kind: "read", offset: 4 });
});

test("the own watermark moves forwards only, and is not known before it is", () => {
  const marks = new Marks();
  assert.equal(marks.upTo, null);
  assert.deepEqual([marks.read(5), marks.read(4), marks.seen({ delivered: 5, read: 5 }), marks.seen({ delivered: 6, read: 6 })], [true, false, false, true]);
  assert.equal(marks.upTo, 6);
});

test("offsets of another epoch are forgotten", () => {
  const marks = new Marks();
  assert.ok(!marks.begin("e1"));
  marks.read(5);
  marks.taken({ kind: "read", offset: 5 });
  assert.ok(!marks.begin("e1"));
  assert.ok(marks.begin("e2"));
  assert.deepEqual([marks.upTo, marks.due(3)], [null, { kind: "delivered", offset: 3 }]);
});

test("what was read before they became a member is told again", () => {
  const marks = new Marks();
  marks.read(3);
  marks.taken({ kind: "read", offset: 3 });
  assert.equal(marks.due(3), null);
  marks.joined();
  assert.deepEqual(marks.due(4), { kind: "read", offset: 3 });
  marks.taken({ kind: "read", offset: 3 });
  marks.seen({ delivered: 4, read: 4, newcomer: true });
  assert.deepEqual([marks.newcomer, marks.due(4)], [true, { kind: "read", offset: 3 }]);
  marks.taken({ kind: "read", offset: 3 });
  assert.deepEqual([marks.newcomer, marks.due(4)], [false, null]);
});

test("whatever is lost, the server ends with the highest of both", () => {
  for (let seed = 0; seed < 200; seed++) {
    const dice = chance(seed);
    const marks = new Marks();
    const server = { delivered: 0, read: 0 };
    let [position, read] = [0, 0];
    const tell = (/** @type {number} */ loss) => {
      const due = marks.due(position);
      if (!due || dice.happens(loss)) return;
      server.delivered = Math.max(server.delivered, due.offset);
      if (due.kind === "read") server.read = Math.max(server.read, due.offset);
      if (!dice.happens(loss)) marks.taken(due);
    };
    for (let step = 0; step < 40; step++) {
      position += dice.whole(3);
      if (dice.happens(0.3)) marks.read((read = Math.max(read, dice.whole(position + 1))));
      if (dice.happens(0.2)) marks.anew();
      if (dice.happens(0.2)) marks.seen(server);
      tell(0.3);
    }
    for (let count = 0; count < 2; count++) tell(0);
    assert.deepEqual([server, marks.due(position)], [{ delivered: position, read }, null], `seed ${seed}`);
  }
});
