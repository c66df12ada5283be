import assert from "node:assert/strict";
import { test } from "node:test";

import { audience, status } from "../reach.js";
import { chance } from "./chance.js";
import { Log } from "./log.js";

/** @import { Mark, Receipts } from "../types.js" */

const ADA = { user: "ada", delivered: 9, read: 4 };

/** @param {Mark[]} marks @returns {Receipts} */
const receipts = (marks) => ({ members: marks.length, receipts: new Map(marks.map((mark) => [mark.user, mark])), counts: null });

/** The same, as it is told of a large room. @param {Mark[]} marks @returns {Receipts} */
function counts(marks) {
  /** @param {"delivered" | "read"} kind @returns {[number, number][]} */
  const steps = (kind, of = marks) => [9, 8, 7, 6, 5, 4, 3, 2, 1].map((offset) => [offset, of.filter((mark) => mark[kind] >= offset).length]);
  const newcomers = steps("read", marks.filter(({ newcomer }) => newcomer));
  return { members: marks.length, receipts: new Map(), counts: { delivered: steps("delivered"), read: steps("read"), newcomers } };
}

const comment = new Log("r").post("ada", "hello");

/** @param {Receipts} receipts @param {number} offset */
function see(receipts, offset) {
  const reach = audience(receipts, ADA)(offset);
  return [status(comment, reach), reach.others, reach.deliveredTo, reach.readBy];
}

for (const told of [receipts, counts]) {
  test(`the others decide what became of a comment, told as ${told.name}`, () => {
    const room = told([ADA, { user: "grace", delivered: 8, read: 3 }, { user: "mary", delivered: 6, read: 5 }]);
    assert.deepEqual(see(room, 7), ["SENT", 2, 1, 0]);
    assert.deepEqual(see(room, 6), ["DELIVERED", 2, 2, 0]);
    assert.deepEqual(see(room, 4), ["DELIVERED", 2, 2, 1]);
    assert.deepEqual(see(room, 3), ["READ", 2, 2, 2]);
  });

  test(`a newcomer counts for what is said from then on, and once they read, told as ${told.name}`, () => {
    const grace = { user: "grace", delivered: 5, read: 5, newcomer: true };
    assert.deepEqual(see(told([ADA, grace]), 5), ["SENT", 0, 0, 0]);
    assert.deepEqual(see(told([ADA, grace]), 6), ["SENT", 1, 0, 0]);
    assert.deepEqual(see(told([ADA, { ...grace, delivered: 6 }]), 6), ["DELIVERED", 1, 1, 0]);
    assert.deepEqual(see(told([ADA, { ...grace, newcomer: false }]), 5), ["READ", 1, 1, 1]);
    assert.deepEqual(see(told([ADA, grace, { user: "mary", delivered: 3, read: 2 }]), 3), ["DELIVERED", 1, 1, 0]);
  });
}

test("an author who is a newcomer is not left out twice", () => {
  const ada = { ...ADA, newcomer: true };
  const room = counts([ada, { user: "grace", delivered: 4, read: 4 }]);
  assert.deepEqual(audience(room, ada)(4), { others: 1, deliveredTo: 1, readBy: 1 });
});

test("with nobody else, a comment is sent", () => {
  assert.deepEqual(see(receipts([ADA]), 1), ["SENT", 0, 0, 0]);
  assert.equal(status({ ...comment, status: "READ" }, { others: 0, deliveredTo: 0, readBy: 0 }), "SENT");
});

test("what history has said counts until more is known, and below the counts that are told", () => {
  const delivered = { ...comment, status: /** @type {const} */ ("DELIVERED") };
  assert.equal(status(delivered, null), "DELIVERED");
  assert.equal(status(delivered, { others: 200, deliveredTo: 150, readBy: 20 }), "DELIVERED");
  assert.equal(status(delivered, { others: 200, deliveredTo: 200, readBy: 200 }), "READ");
});

test("of counts that leave out what is between the newest and the lowest, no more is said than is true", () => {
  const ranks = ["SENT", "DELIVERED", "READ"];
  for (let seed = 0; seed < 500; seed++) {
    const dice = chance(seed);
    const others = people(dice);
    const room = counts([ADA, ...others]);
    for (const steps of Object.values(room.counts ?? {})) thin(steps);
    for (let offset = 1; offset < 10; offset++) {
      const [said, truth] = [see(room, offset)[0], see(receipts([ADA, ...others]), offset)[0]];
      assert.ok(ranks.indexOf(String(said)) <= ranks.indexOf(String(truth)), `seed ${seed}: ${said}, but it is ${truth}`);
    }
  }
});

/** Leave the newest and the lowest watermark at which somebody is. @param {[number, number][]} steps */
function thin(steps) {
  const told = steps.filter(([, count], index) => count > (steps[index - 1]?.[1] ?? 0));
  steps.splice(0, steps.length, ...new Set([...told.slice(0, 1), ...told.slice(-1)]));
}

/** @param {import("./chance.js").Chance} dice */
const people = (dice) =>
  Array.from({ length: dice.whole(6) }, (_, index) => {
    const delivered = dice.whole(10);
    return { user: `u${index}`, delivered, read: dice.whole(delivered + 1), newcomer: dice.happens(0.3) };
  });

test("members one by one and their counts come to the same", () => {
  for (let seed = 0; seed < 200; seed++) {
    const dice = chance(seed);
    const others = people(dice);
    for (let offset = 1; offset < 10; offset++) assert.deepEqual(see(counts([ADA, ...others]), offset), see(receipts([ADA, ...others]), offset), `seed ${seed}`);
  }
});
