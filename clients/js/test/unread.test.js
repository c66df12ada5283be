import assert from "node:assert/strict";
import { test } from "node:test";

import { Parley } from "../client.js";
import { chance } from "./chance.js";
import { MINUTE, enter } from "./people.js";
import { World } from "./world.js";

/** Ada watches what she has not read; she is in no room. @param {World} world */
function watch(world) {
  const parley = new Parley({ url: "http://chat.example", user: { id: "ada", name: "Ada" }, token: "t" }, world.platform("ada"));
  /** @type {unknown[]} */
  const heard = [];
  parley.on("unread", (rooms) => void heard.push([...rooms.values()].map(({ unread }) => unread)));
  parley.connect();
  parley.watchUnread();
  return { parley, heard };
}

/** @param {number} seed */
function lobby(seed) {
  const world = new World(chance(seed));
  for (const user of ["ada", "grace"]) world.log.join(user);
  return world;
}

/** @param {World} world @param {string} author */
const write = (world, author) => world.change(() => void world.log.post(author, "hello"));

test("what is not read is known without being in the room, and what changes is told", async () => {
  const world = lobby(1);
  write(world, "grace");
  const { parley, heard } = watch(world);
  await world.pass(1000);
  assert.deepEqual(parley.unread.get("lobby"), { room: "lobby", head: 3, read: 1, unread: 1, mentioned: false });
  write(world, "grace");
  write(world, "ada");
  await world.pass(1000);
  assert.deepEqual([heard, parley.unread.get("lobby")?.unread], [[[1], [2], [2]], 2]);
});

test("a room that was left is not among them", async () => {
  const world = lobby(2);
  const { parley } = watch(world);
  await world.pass(1000);
  world.change(() => world.log.leave("ada"));
  await world.pass(1000);
  assert.deepEqual([...parley.unread], []);
});

test("on each connection it is asked for anew, until it is answered", async () => {
  const world = lobby(3);
  const { parley } = watch(world);
  await world.pass(1000);
  world.refusals.push({ kind: "unread", code: "unavailable" }, { kind: "unread", code: "unavailable" });
  world.reachable = false;
  world.cut();
  write(world, "grace");
  await world.pass(1000);
  assert.equal(parley.unread.get("lobby")?.unread, 0);
  world.reachable = true;
  await world.pass(MINUTE);
  assert.equal(parley.unread.get("lobby")?.unread, 1);
});

test("what is read counts at once, whatever the server said before", async () => {
  const world = lobby(4);
  const { parley, room } = enter(world, "ada");
  parley.watchUnread();
  write(world, "grace");
  await world.pass(2000);
  write(world, "grace");
  while (room.items.length < 2) await world.pass(1);
  room.markRead();
  assert.deepEqual([parley.unread.get("lobby")?.read, room.unread], [4, 0]);
  /** @type {unknown[]} */
  const heard = [];
  parley.on("unread", (rooms) => void heard.push(rooms.get("lobby")?.unread));
  await world.pass(2000);
  assert.ok(heard.length > 0 && heard.every((unread) => unread === 0));
});

test("what is read in one tab is read in the others", async () => {
  const world = lobby(5);
  const [first, second] = [enter(world, "ada"), watch(world)];
  write(world, "grace");
  await world.pass(2000);
  assert.equal(second.parley.unread.get("lobby")?.unread, 1);
  first.room.markRead();
  await world.pass(2000);
  assert.equal(second.parley.unread.get("lobby")?.unread, 0);
});

test("what is loaded of a room is counted there, and else the server's count serves", async () => {
  const world = lobby(6);
  for (let count = 0; count < 80; count++) world.log.post("grace", "hello");
  const { parley, room } = enter(world, "ada");
  await world.pass(2000);
  assert.equal(room.unread, null);
  parley.watchUnread();
  await world.pass(2000);
  assert.equal(room.unread, 80);
  room.markRead(60);
  await world.pass(2000);
  assert.equal(room.unread, 22);
  world.change(() => world.log.remove(room.items.at(-1)?.id ?? ""));
  write(world, "ada");
  await world.pass(2000);
  assert.deepEqual([room.unread, parley.unread.get("lobby")?.unread], [21, 21]);
});
