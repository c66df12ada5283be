import assert from "node:assert/strict";
import { test } from "node:test";

import { Connection } from "../connection.js";
import { Errand } from "../errand.js";
import { Pace } from "../pace.js";
import { activity } from "../protocol.js";
import { Tokens } from "../tokens.js";
import { chance } from "./chance.js";
import { World } from "./world.js";

/** A connection, and things to be told on it. @param {number} seed @param {number} count */
async function errands(seed, count) {
  const world = new World(chance(seed));
  const platform = world.platform("ada");
  const connection = new Connection("ws://chat.example", new Tokens("t"), "d", platform);
  const parts = { connection, pace: new Pace(), platform };
  const due = Array(count).fill(true);
  const encode = (/** @type {number} */ id) => activity(id, "idle");
  const errands = due.map((_, index) => new Errand(parts, () => (due[index] ? { encode, done: () => (due[index] = false) } : null)));
  connection.open();
  await world.pass(1000);
  return { world, connection, due, errands, told: () => world.lobby.said.length };
}

test("what many have to tell is told ten times a second, and all of it", async () => {
  const { world, due, errands: many, told } = await errands(1, 100);
  for (const errand of many) errand.kick();
  await world.pass(1000);
  assert.ok(told() <= 30);
  await world.pass(9000);
  assert.deepEqual([told(), due.includes(true)], [100, false]);
});

test("one request is on its way at a time, and none when nothing is due", async () => {
  const { world, due, errands: [errand], told } = await errands(2, 1);
  for (let count = 0; count < 5; count++) errand.kick();
  await world.pass(1000);
  errand.kick();
  await world.pass(1000);
  assert.equal(told(), 1);
  due[0] = true;
  errand.kick();
  await world.pass(1000);
  assert.equal(told(), 2);
});

test("what is refused for now is tried again by itself, not before it is said to, and else when it is due again", async () => {
  const { world, errands: [errand], told } = await errands(3, 1);
  world.refusals.push({ kind: "activity", code: "too_many_requests", retryAfter: 10 }, { kind: "activity", code: "invalid_request" });
  errand.kick();
  await world.pass(9000);
  assert.equal(world.refusals.length, 1);
  await world.pass(60_000);
  assert.deepEqual([world.refusals.length, told()], [0, 0]);
  errand.kick();
  await world.pass(1000);
  assert.equal(told(), 1);
});

test("what a lost connection has cost is told on the next one", async () => {
  const { world, connection, due, errands: [errand] } = await errands(4, 1);
  errand.kick();
  await world.pass(1);
  world.cut();
  errand.kick();
  await world.pass(60_000);
  assert.deepEqual([connection.connected, due], [true, [true]]);
  errand.kick();
  await world.pass(1000);
  assert.deepEqual(due, [false]);
});
