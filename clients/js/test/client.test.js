import assert from "node:assert/strict";
import { test } from "node:test";

import { chance } from "./chance.js";
import { scribble } from "./log.js";
import { MINUTE, enter, shown, truth, unsent } from "./people.js";
import { World } from "./world.js";

test("a comment of one person appears at the other", async () => {
  const world = new World(chance(1));
  const [ada, grace] = [enter(world, "ada"), enter(world, "grace")];
  await world.pass(1000);
  ada.room.post("hello");
  await world.pass(1000);
  assert.deepEqual(grace.room.items.map(({ body, own, status }) => [body, own, status]), [["hello", false, "SENT"]]);
  assert.deepEqual(ada.room.items.map(({ body, own, status }) => [body, own, status]), [["hello", true, "SENT"]]);
});

test("an own comment is shown at once and keeps its key when confirmed", async () => {
  const world = new World(chance(2));
  const { room } = enter(world, "ada");
  await world.pass(1000);
  const { clientId } = room.post("hello");
  assert.deepEqual(room.items.map(({ key, status }) => [key, status]), [[clientId, "SENDING"]]);
  await world.pass(1000);
  assert.deepEqual(room.items.map(({ key, status }) => [key, status]), [[clientId, "SENT"]]);
});

test("what was missed while away is replayed, not fetched again", async () => {
  const world = new World(chance(3));
  const { room, seen } = enter(world, "ada");
  world.change(() => scribble(world.log, world.dice));
  await world.pass(1000);
  world.reachable = false;
  world.cut();
  for (let count = 0; count < 30; count++) world.change(() => scribble(world.log, world.dice));
  await world.pass(MINUTE);
  world.requests.length = 0;
  world.heal();
  await world.pass(MINUTE);
  assert.deepEqual(shown(room), truth(world));
  assert.equal(seen.resyncs, 0);
  assert.ok(!world.requests.some((request) => request.startsWith("GET")));
});

test("when the server cannot replay, history replaces what was shown", async () => {
  const world = new World(chance(4));
  world.change(() => void world.log.post("grace", "before"));
  const { room, seen } = enter(world, "ada");
  await world.pass(1000);
  world.faults.forgets = 1;
  world.cut();
  world.change(() => void world.log.post("grace", "meanwhile"));
  await world.pass(MINUTE);
  assert.deepEqual(shown(room), truth(world));
  assert.equal(seen.resyncs, 1);
});

test("another epoch voids every offset", async () => {
  const world = new World(chance(5));
  world.change(() => void world.log.post("grace", "of the old epoch"));
  const { room } = enter(world, "ada");
  await world.pass(1000);
  world.log = new World(chance(0)).log;
  world.log.epoch = "e2";
  world.log.post("grace", "of the new epoch");
  world.cut();
  await world.pass(MINUTE);
  assert.deepEqual(shown(room), truth(world));
});

test("what was written offline survives a reload and is sent once, in order", async () => {
  const world = new World(chance(6));
  world.reachable = false;
  const { room, parley, storage } = enter(world, "ada");
  for (const body of ["one", "two", "three"]) room.post(body);
  await world.pass(MINUTE);
  parley.close();
  const again = enter(world, "ada", { storage });
  assert.deepEqual(again.room.items.map(({ body, status }) => [body, status]), [["one", "SENDING"], ["two", "SENDING"], ["three", "SENDING"]]);
  world.heal();
  await world.pass(MINUTE);
  assert.deepEqual([...world.log.comments.values()].map(({ body }) => body), ["one", "two", "three"]);
  assert.deepEqual(unsent(storage), []);
});

test("what is urgent is so after a reload, and nothing else is", async () => {
  const world = new World(chance(6));
  world.reachable = false;
  const { room, parley, storage } = enter(world, "ada");
  room.post("fire", { urgent: true });
  room.post("tea");
  parley.close();
  enter(world, "ada", { storage });
  world.heal();
  await world.pass(MINUTE);
  assert.deepEqual(world.log.events.map(({ body, urgent }) => [body, urgent]), [["fire", true], ["tea", false]]);
});

test("a refused comment fails, says why, and can be sent again or given up", async () => {
  const world = new World(chance(7));
  const { room } = enter(world, "ada");
  await world.pass(1000);
  world.faults = { ...world.faults, request: 1, status: 422 };
  const [first, second] = [room.post("first"), room.post("second")];
  await world.pass(MINUTE);
  assert.deepEqual(room.items.map(({ status, error }) => [status, error]), Array(2).fill(["FAILED", "It was made to fail."]));
  world.heal();
  room.retry(second.clientId);
  room.discard(first.clientId);
  await world.pass(MINUTE);
  assert.deepEqual(room.items.map(({ body, status }) => [body, status]), [["second", "SENT"]]);
});

test("older pages reach the first comment", async () => {
  const world = new World(chance(8));
  for (let count = 0; count < 180; count++) world.log.post("grace", `body ${count}`);
  const { room } = enter(world, "ada");
  await world.pass(1000);
  assert.equal(room.items.length, 50);
  while (room.hasOlder) {
    void room.older();
    await world.pass(1000);
  }
  assert.deepEqual(shown(room), truth(world));
});

test("a close code from 4500 on ends it, until the application connects again", async () => {
  const world = new World(chance(9));
  const { parley } = enter(world, "ada");
  await world.pass(1000);
  world.cut(4501, "the token names nobody");
  await world.pass(MINUTE);
  assert.deepEqual(parley.standing, { state: "closed", retryAt: null, reason: "the token names nobody", planned: false, degraded: false });
  parley.connect();
  await world.pass(1000);
  assert.equal(parley.standing.state, "connected");
});

test("a socket on which an own comment never returns is given up", async () => {
  const world = new World(chance(11));
  world.log.post("grace", "before");
  const { room, seen } = enter(world, "ada");
  await world.pass(1000);
  world.faults.frame = 1;
  room.post("hello");
  await world.pass(9000);
  world.heal();
  await world.pass(MINUTE);
  assert.deepEqual(seen.states, ["connected", "waiting", "connecting", "connected"]);
  assert.deepEqual(seen.offsets, [2]);
});
