import assert from "node:assert/strict";
import { test } from "node:test";

import { chance } from "./chance.js";
import { MINUTE, enter, shown, truth } from "./people.js";
import { World, problem } from "./world.js";

/** Somebody who is there, in a world where something has been written. @param {number} seed */
async function settled(seed) {
  const world = new World(chance(seed));
  world.log.post("grace", "before");
  const person = enter(world, "ada");
  await world.pass(1000);
  person.seen.states.length = world.requests.length = 0;
  return { world, ...person };
}

/** @param {World} world @param {string} body */
const write = (world, body) => world.change(() => void world.log.post("grace", body));

test("a server that goes away in order is come back to when it says, and resumed", async () => {
  const { world, room, parley, seen } = await settled(1);
  write(world, "just before");
  world.drain(30);
  write(world, "meanwhile");
  await world.pass(29_000);
  assert.equal(parley.standing.state, "waiting");
  assert.ok(parley.standing.planned);
  await world.pass(8000);
  assert.equal(parley.standing.state, "connected");
  assert.deepEqual([shown(room), seen.offsets], [truth(world), [2, 3]]);
  assert.deepEqual(world.requests, ["connect", "subscribe"]);
});

test("those who are asked together come back apart, and none too soon", async () => {
  const world = new World(chance(2));
  const people = Array.from({ length: 20 }, (_, index) => enter(world, `u${index}`).parley);
  await world.pass(1000);
  const now = world.now;
  world.drain(10);
  await world.pass(500);
  const waits = people.map(({ standing }) => (standing.retryAt ?? 0) - now);
  assert.ok(Math.min(...waits) >= 10_000 && Math.max(...waits) <= 12_500);
  assert.equal(new Set(waits).size, 20);
});

test("neither the network's return nor the person's ends a pause that the server asked for", async () => {
  const { world, parley, platform } = await settled(3);
  world.drain(30);
  await world.pass(1000);
  for (const news of /** @type {const} */ (["online", "visible"])) platform.news(news);
  await world.pass(28_000);
  assert.equal(parley.standing.state, "waiting");
});

test("the network's return ends a pause that nobody asked for", async () => {
  const { world, parley, platform } = await settled(4);
  world.reachable = false;
  world.cut();
  await world.pass(10 * MINUTE);
  world.heal();
  while (parley.standing.state !== "waiting") await world.pass(10);
  platform.news("online");
  await world.pass(500);
  assert.equal(parley.standing.state, "connected");
});

test("drains in a row do not make the client slower, losses do", async () => {
  const { world, parley } = await settled(5);
  /** @param {() => void} lose */
  const longest = async (lose) => {
    let longest = 0;
    for (let count = 0; count < 12; count++) {
      lose();
      await world.pass(100);
      longest = Math.max(longest, (parley.standing.retryAt ?? 0) - world.now);
      while (parley.standing.state !== "connected") await world.pass(50);
    }
    return longest;
  };
  assert.ok((await longest(() => world.drain(0))) <= 250);
  assert.ok((await longest(() => world.cut(1011))) > 1000);
});

test("a server that is busy is no failure, also at the first attempt", async () => {
  const world = new World(chance(6));
  world.busy.push(5);
  const { parley } = enter(world, "ada");
  await world.pass(4000);
  assert.deepEqual([parley.standing.state, parley.standing.planned], ["waiting", true]);
  await world.pass(4000);
  assert.equal(parley.standing.state, "connected");
});

test("a degraded server says so, and what happened meanwhile comes when it is restored", async () => {
  const { world, room, parley, seen } = await settled(7);
  world.degrade();
  write(world, "in the dark");
  room.post("mine");
  await world.pass(MINUTE);
  assert.ok(parley.standing.degraded);
  assert.deepEqual(room.items.map(({ body, status }) => [body, status]), [["before", "SENT"], ["mine", "SENT"]]);
  world.restore();
  await world.pass(1000);
  assert.ok(!parley.standing.degraded);
  assert.deepEqual([shown(room), seen.offsets, seen.states], [truth(world), [2, 3], ["connected", "connected"]]);
});

test("a new connection is not degraded until its server says so", async () => {
  const { world, parley } = await settled(8);
  world.degrade();
  await world.pass(1000);
  world.cut();
  await world.pass(MINUTE);
  assert.deepEqual([parley.standing.state, parley.standing.degraded], ["connected", true]);
  world.degraded = false;
  world.cut();
  await world.pass(MINUTE);
  assert.deepEqual([parley.standing.state, parley.standing.degraded], ["connected", false]);
});

test("a request too many is made again when the server says, and nothing else is", async () => {
  const world = new World(chance(9));
  world.refusals.push({ kind: "subscribe", code: "too_many_requests", retryAfter: 20 });
  const { room } = enter(world, "ada");
  await world.pass(19_000);
  assert.deepEqual(world.requests.filter((request) => request === "subscribe").length, 1);
  await world.pass(6000);
  assert.equal(room.state, "live");
  assert.deepEqual(world.requests, ["GET /v1/rooms/lobby/comments", "connect", "subscribe", "subscribe"]);
});

test("a room that could not be left is left later, and can be entered again", async () => {
  const { world, room } = await settled(10);
  world.refusals.push({ kind: "unsubscribe", code: "too_many_requests", retryAfter: 1 });
  room.unsubscribe();
  await world.pass(500);
  room.subscribe();
  await world.pass(5000);
  assert.equal(room.state, "live");
  world.refusals.push({ kind: "unsubscribe", code: "too_many_requests", retryAfter: 1 });
  world.requests.length = 0;
  room.unsubscribe();
  await world.pass(5000);
  assert.deepEqual(world.requests, ["unsubscribe", "unsubscribe"]);
});

test("a right that is withdrawn ends its room, and says why", async () => {
  const { world, room, parley, seen } = await settled(11);
  world.say({ type: "error", code: "forbidden", message: "no longer", room: "lobby" });
  write(world, "not for ada");
  await world.pass(MINUTE);
  assert.equal(room.state, "refused");
  assert.deepEqual([seen.errors.map(({ message }) => message), seen.offsets], [["no longer"], []]);
  assert.equal(parley.standing.state, "connected");
});

for (const status of [429, 503]) {
  test(`a post that is answered ${status} is sent when the server says, whatever happens meanwhile`, async () => {
    const { world, room, platform } = await settled(12);
    world.answers.push(problem(status, { "Retry-After": "20" }));
    room.post("one");
    await world.pass(1000);
    room.post("two");
    platform.news("visible");
    world.cut();
    await world.pass(18_000);
    assert.deepEqual(world.requests.filter((request) => request.startsWith("POST")).length, 1);
    await world.pass(10_000);
    assert.deepEqual(room.items.map(({ body, status }) => [body, status]), ["before", "one", "two"].map((body) => [body, "SENT"]));
  });
}

test("a page of history is asked for when the server says", async () => {
  const world = new World(chance(13));
  world.answers.push(problem(503, { "Retry-After": "20" }));
  const { room } = enter(world, "ada");
  await world.pass(19_000);
  assert.deepEqual([room.state, world.requests.filter((request) => request.startsWith("GET")).length], ["loading", 1]);
  await world.pass(6000);
  assert.equal(room.state, "live");
});

test("an outage before it does not make a message fail sooner", async () => {
  const { world, room } = await settled(14);
  world.faults = { ...world.faults, request: 1, status: 503 };
  room.post("one");
  await world.pass(MINUTE);
  world.answers.push(problem(500));
  world.heal();
  await world.pass(MINUTE);
  assert.deepEqual(room.items.map(({ status }) => status), ["SENT", "SENT"]);
});
