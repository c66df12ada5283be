import assert from "node:assert/strict";
import { test } from "node:test";

import { chance } from "./chance.js";
import { MINUTE, enter } from "./people.js";
import { World } from "./world.js";

/** @import { Room } from "../room.js" */

/** Ada and Grace, members both, in the lobby; nothing to tell any more. @param {number} seed */
async function two(seed) {
  const world = new World(chance(seed));
  for (const user of ["ada", "grace"]) world.log.join(user);
  const [ada, grace] = [enter(world, "ada"), enter(world, "grace")];
  await world.pass(2000);
  world.lobby.said.length = 0;
  return { world, ada, grace };
}

/** @param {World} world @param {string} body */
const write = (world, body) => world.change(() => void world.log.post("grace", body));

/** @param {World} world @param {string} user */
const told = (world, user) => world.lobby.said.filter((request) => request.user === user).map(({ type, offset }) => [type, offset]);

/** @param {Room} room */
const ticks = (room) => room.items.map(({ status, others, deliveredTo, readBy }) => [status, others, deliveredTo, readBy]);

test("a comment is sent, then delivered, then read", async () => {
  const { world, ada, grace } = await two(1);
  grace.parley.close();
  ada.room.post("hello");
  await world.pass(2000);
  assert.deepEqual(ticks(ada.room), [["SENT", 1, 0, 0]]);
  const phone = enter(world, "grace");
  await world.pass(2000);
  assert.deepEqual(ticks(ada.room), [["DELIVERED", 1, 1, 0]]);
  assert.deepEqual(ticks(phone.room), [["SENT", null, null, null]]);
  phone.room.markRead();
  await world.pass(2000);
  assert.deepEqual(ticks(ada.room), [["READ", 1, 1, 1]]);
});

test("a comment on its way and one that failed are what they are", async () => {
  const { world, ada } = await two(2);
  world.faults = { ...world.faults, request: 1, status: 422 };
  ada.room.post("hello");
  assert.deepEqual(ticks(ada.room), [["SENDING", null, null, null]]);
  await world.pass(1000);
  assert.deepEqual(ticks(ada.room), [["FAILED", null, null, null]]);
});

test("history says what became of a comment until the server knows how far people are", async () => {
  const world = new World(chance(3));
  for (const user of ["ada", "grace"]) world.log.post(user, "hello");
  for (const kind of /** @type {const} */ (["delivered", "read"])) world.lobby.write("grace", kind, 2);
  world.lobby.known = false;
  const { room } = enter(world, "ada");
  await world.pass(2000);
  assert.deepEqual(ticks(room), [["READ", null, null, null], ["SENT", null, null, null]]);
});

test("who leaves is waited for no longer, and who joins holds nothing back", async () => {
  const { world, ada } = await two(4);
  world.change(() => world.log.join("mary"));
  ada.room.post("hello");
  await world.pass(2000);
  assert.deepEqual(ticks(ada.room), [["SENT", 2, 1, 0]]);
  world.change(() => world.log.leave("mary"));
  await world.pass(2000);
  assert.deepEqual(ticks(ada.room), [["DELIVERED", 1, 1, 0]]);
  world.change(() => world.log.join("mary"));
  await world.pass(2000);
  assert.deepEqual(ticks(ada.room), [["DELIVERED", 1, 1, 0]]);
});

test("what somebody wrote alone is read when somebody who joins later reads it, not when they join", async () => {
  const world = new World(chance(14));
  const ada = enter(world, "ada");
  ada.room.post("hello");
  await world.pass(2000);
  ada.room.markRead();
  world.change(() => world.log.join("grace"));
  await world.pass(2000);
  assert.deepEqual(ticks(ada.room), [["SENT", 0, 0, 0]]);
  const grace = enter(world, "grace");
  await world.pass(2000);
  assert.deepEqual(ticks(ada.room), [["SENT", 0, 0, 0]]);
  grace.room.markRead();
  await world.pass(2000);
  assert.deepEqual(ticks(ada.room), [["READ", 1, 1, 1]]);
  assert.equal(grace.room.unread, 0);
});

for (const [how, join] of /** @type {const} */ ([
  ["who answers", (/** @type {World} */ _, /** @type {Room} */ room) => void room.post("hi")],
  ["whom somebody else makes a member", (/** @type {World} */ world) => world.change(() => world.log.join("grace"))],
])) {
  for (const size of /** @type {const} */ (["small", "large"])) test(`what was read before counts as soon as one is a member: of ${how}, in a ${size} room`, async () => {
    const world = new World(chance(15));
    if (size === "large") world.lobby.limits.members = 1;
    const [ada, grace] = [enter(world, "ada"), enter(world, "grace")];
    ada.room.post("hello");
    await world.pass(2000);
    grace.room.markRead();
    await world.pass(2000);
    assert.deepEqual(ticks(ada.room), [["SENT", 0, 0, 0]]);
    join(world, grace.room);
    await world.pass(2000);
    assert.deepEqual(ticks(ada.room)[0], ["READ", 1, 1, 1]);
  });
}

test("in a large room the counts say it", async () => {
  const world = new World(chance(5));
  world.lobby.limits.members = 2;
  for (const user of ["ada", "grace", "mary"]) world.log.join(user);
  const [ada, grace, mary] = ["ada", "grace", "mary"].map((user) => enter(world, user));
  await world.pass(2000);
  ada.room.post("hello");
  await world.pass(2000);
  assert.deepEqual(ticks(ada.room), [["DELIVERED", 2, 2, 0]]);
  grace.room.markRead();
  await world.pass(2000);
  assert.deepEqual(ticks(ada.room), [["DELIVERED", 2, 2, 1]]);
  ada.room.markRead();
  mary.room.markRead();
  await world.pass(2000);
  assert.deepEqual(ticks(ada.room), [["READ", 2, 2, 2]]);
});

test("events that come together are acknowledged together, and each once", async () => {
  const { world } = await two(6);
  for (let count = 0; count < 20; count++) write(world, `body ${count}`);
  await world.pass(2000);
  assert.deepEqual(told(world, "ada"), [["delivered", 22]]);
  world.lobby.said.length = 0;
  await world.pass(10 * MINUTE);
  assert.deepEqual(world.lobby.said, []);
});

test("an acknowledgement that was lost with its connection is sent again, and one that was kept is not", async () => {
  const { world } = await two(7);
  write(world, "hello");
  while (told(world, "ada").length === 0) await world.pass(1);
  world.cut(); // before the answer
  await world.pass(MINUTE);
  const before = told(world, "ada").length;
  assert.ok(world.log.marks.get("ada")?.delivered === 3);
  world.cut();
  await world.pass(MINUTE);
  assert.equal(told(world, "ada").length, before);
});

test("an acknowledgement that cannot be taken now is sent later, and one that is refused with the next", async () => {
  const { world } = await two(8);
  world.refusals.push({ kind: "delivered", code: "unavailable" }, { kind: "delivered", code: "too_many_requests", retryAfter: 5 });
  write(world, "one");
  await world.pass(MINUTE);
  assert.deepEqual([...world.log.marks.values()].map(({ delivered }) => delivered), [3, 3]);
  for (let count = 0; count < 2; count++) world.refusals.push({ kind: "delivered", code: "forbidden" });
  write(world, "two");
  await world.pass(MINUTE);
  assert.deepEqual([...world.log.marks.values()].map(({ delivered }) => delivered), [3, 3]);
  write(world, "three");
  await world.pass(MINUTE);
  assert.deepEqual([...world.log.marks.values()].map(({ delivered }) => delivered), [5, 5]);
});

test("what another device of the same person has acknowledged is not acknowledged again", async () => {
  const { world, ada } = await two(9);
  ada.parley.close();
  write(world, "hello");
  world.lobby.write("ada", "delivered", 3);
  enter(world, "ada");
  await world.pass(2000);
  assert.deepEqual(told(world, "ada"), []);
});

test("what was read offline is said on the return, and not more than has come", async () => {
  const { world, ada } = await two(10);
  write(world, "hello");
  await world.pass(2000);
  world.reachable = false;
  world.cut();
  await world.pass(1000);
  world.lobby.said.length = 0;
  for (const offset of [3, 2, 1, 3]) ada.room.markRead(offset);
  assert.equal(ada.room.readUpTo, 3);
  world.heal();
  await world.pass(MINUTE);
  assert.deepEqual([told(world, "ada"), world.log.marks.get("ada")?.read], [[["read", 3]], 3]);
  ada.room.markRead(5);
  await world.pass(2000);
  assert.equal(world.log.marks.get("ada")?.read, 3);
  for (const body of ["one", "two"]) write(world, body);
  await world.pass(2000);
  assert.equal(world.log.marks.get("ada")?.read, 5);
});

test("reading on one device is seen on the other", async () => {
  const { world, ada } = await two(11);
  const phone = enter(world, "ada");
  /** @type {number[]} */
  const read = [];
  write(world, "hello");
  await world.pass(2000);
  phone.room.on("read", (offset) => void read.push(offset));
  assert.deepEqual([ada.room.readUpTo, ada.room.unread, phone.room.unread], [1, 1, 1]);
  ada.room.markRead();
  assert.deepEqual([ada.room.readUpTo, ada.room.unread], [3, 0]);
  await world.pass(2000);
  assert.deepEqual([phone.room.readUpTo, phone.room.unread, read], [3, 0, [3]]);
});

test("a room that was left is not acknowledged", async () => {
  const { world, ada } = await two(12);
  ada.room.unsubscribe();
  write(world, "hello");
  ada.room.markRead();
  await world.pass(MINUTE);
  assert.deepEqual(told(world, "ada"), []);
});

test("another epoch voids every watermark", async () => {
  const { world, ada } = await two(13);
  ada.parley.watchUnread();
  for (let count = 0; count < 9; count++) write(world, "of the old epoch");
  await world.pass(2000);
  ada.room.markRead();
  await world.pass(2000);
  world.log = new World(chance(0)).log;
  world.log.epoch = "e2";
  for (const user of ["ada", "grace"]) world.log.join(user);
  world.change(() => void world.log.post("grace", "of the new epoch"));
  world.cut();
  await world.pass(MINUTE);
  assert.equal(ada.parley.unread.get("lobby")?.unread, 1);
  assert.deepEqual([ada.room.readUpTo, ada.room.unread, world.log.marks.get("ada")], [1, 1, { user: "ada", delivered: 3, read: 1, newcomer: true }]);
});

test("a page that is left says what was read before it is gone", async () => {
  const { world, ada } = await two(20);
  write(world, "hello");
  await world.pass(2000);
  world.lobby.said.length = 0;
  ada.room.markRead();
  ada.platform.news("leaving");
  await world.pass(100);
  assert.deepEqual(told(world, "ada"), [["read", world.log.head]]);
  await world.pass(2000);
  assert.deepEqual(told(world, "ada"), [["read", world.log.head]]);
});

test("also when something else is just being told", async () => {
  const { world, ada } = await two(21);
  write(world, "hello");
  await world.pass(1);
  for (let ms = 0; ms < 2000 && told(world, "ada").length === 0; ms++) await world.pass(1);
  assert.deepEqual(told(world, "ada"), [["delivered", world.log.head]]);
  ada.room.markRead();
  ada.platform.news("leaving");
  await world.pass(90);
  assert.deepEqual(told(world, "ada").at(-1), ["read", world.log.head]);
});
