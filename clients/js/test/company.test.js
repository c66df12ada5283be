import assert from "node:assert/strict";
import { test } from "node:test";

import { MemoryShelf } from "../outbox.js";
import { chance } from "./chance.js";
import { MINUTE, enter } from "./people.js";
import { World } from "./world.js";

/** @import { Room } from "../room.js" */

/** Ada and Grace in the lobby. @param {number} seed */
async function two(seed) {
  const world = new World(chance(seed));
  const [ada, grace] = [enter(world, "ada"), enter(world, "grace")];
  await world.pass(1000);
  return { world, ada, grace };
}

/** @param {Room} room */
const users = (room) => room.presence?.people?.map(({ user }) => user).sort();

test("people see who is here, who comes and who goes", async () => {
  const { world, ada, grace } = await two(1);
  assert.deepEqual([users(ada.room), ada.room.presence?.count, ada.room.here("grace")], [["ada", "grace"], 2, true]);
  grace.room.unsubscribe();
  await world.pass(1000);
  assert.deepEqual([users(ada.room), ada.room.here("grace"), grace.room.presence], [["ada"], false, null]);
  ada.parley.activity("idle"); // which Grace, who has left, does not hear
  await world.pass(1000);
  assert.deepEqual([ada.room.presence?.people?.map(({ activity }) => activity), grace.room.presence], [["idle"], null]);
  grace.room.subscribe();
  await world.pass(1000);
  assert.deepEqual([users(ada.room), users(grace.room)], [["ada", "grace"], ["ada", "grace"]]);
});

test("who leaves before the answer hears of nobody", async () => {
  const world = new World(chance(15));
  const { room } = enter(world, "ada");
  while (!world.requests.includes("subscribe")) await world.pass(1);
  room.unsubscribe();
  await world.pass(1000);
  assert.equal(room.presence, null);
});

test("while the connection is away, people do not flicker", async () => {
  const { world, ada, grace } = await two(2);
  /** @type {unknown[]} */
  const shown = [];
  ada.room.on("presence", () => void shown.push(users(ada.room)));
  world.reachable = false;
  world.cut();
  await world.pass(MINUTE);
  assert.deepEqual([shown, users(ada.room)], [[], ["ada", "grace"]]);
  grace.parley.close();
  world.heal();
  await world.pass(MINUTE);
  assert.deepEqual(shown, [["ada"]]);
});

test("what the server does not know yet comes when it does, and what it said before stays", async () => {
  const world = new World(chance(3));
  world.lobby.known = false;
  const { room } = enter(world, "ada");
  await world.pass(1000);
  assert.deepEqual([room.presence, room.receipts, room.here("ada")], [null, null, null]);
  world.lobby.recover();
  await world.pass(1000);
  assert.deepEqual([users(room), room.receipts?.members], [["ada"], 0]);
  world.lobby.known = false;
  world.cut();
  await world.pass(MINUTE);
  assert.deepEqual(users(room), ["ada"]);
});

test("in a large room those are followed who were asked for, on each connection anew", async () => {
  const world = new World(chance(4));
  world.lobby.limits.people = 0;
  const [ada, grace] = [enter(world, "ada"), enter(world, "grace")];
  await world.pass(1000);
  assert.deepEqual([ada.room.presence, ada.room.here("grace")], [{ count: 2, people: null }, null]);
  const asked = ada.room.askPresence(["grace"]);
  await world.pass(1000);
  assert.deepEqual([(await asked).map(({ user, here }) => [user, here]), ada.room.here("grace")], [[["grace", true]], true]);
  world.refusals.push({ kind: "presence", code: "unavailable" });
  world.cut();
  await world.pass(MINUTE);
  assert.equal(ada.room.here("grace"), true);
  grace.parley.close();
  await world.pass(1000);
  assert.equal(ada.room.here("grace"), false);
});

test("a question that cannot be asked fails", async () => {
  const { world, ada } = await two(5);
  world.cut();
  await assert.rejects(ada.room.askPresence(["grace"]), { message: "not connected", away: true });
  await assert.rejects(ada.room.signal("wave"), { message: "not connected" });
});

test("who types is shown to the others, told once a second, and gone after three", async () => {
  const { world, ada, grace } = await two(6);
  for (let count = 0; count < 25; count++) {
    ada.room.typing();
    await world.pass(100);
  }
  assert.equal(world.lobby.said.filter(({ type }) => type === "typing").length, 3);
  assert.deepEqual([ada.room.typists, grace.room.typists], [[], [{ user: "ada", name: "ADA" }]]);
  /** @type {number[]} */
  const shown = [];
  grace.room.on("typing", (typists) => void shown.push(typists.length));
  await world.pass(5000);
  assert.deepEqual([shown, grace.room.typists], [[0], []]);
});

test("who types has stopped when the comment is there", async () => {
  const { world, ada, grace } = await two(7);
  ada.room.typing();
  await world.pass(200);
  ada.room.post("hello");
  await world.pass(400);
  assert.deepEqual([grace.room.typists, grace.room.items.map(({ body }) => body)], [[], ["hello"]]);
});

test("oneself is not shown typing on another device", async () => {
  const { world, ada } = await two(8);
  const phone = enter(world, "ada");
  await world.pass(1000);
  phone.room.typing();
  await world.pass(200);
  assert.deepEqual(ada.room.typists, []);
});

test("typing that nobody can hear is nobody's failure", async () => {
  const { world, ada } = await two(9);
  world.refusals.push({ kind: "typing", code: "forbidden" });
  ada.room.typing();
  await world.pass(1000);
  world.cut();
  ada.room.typing();
  await world.pass(MINUTE);
  assert.deepEqual([ada.seen.errors, world.lobby.said.filter(({ type }) => type === "typing")], [[], []]);
});

test("a signal reaches the others, and one that is refused fails", async () => {
  const { world, ada, grace } = await two(10);
  /** @type {unknown[]} */
  const heard = [];
  grace.room.on("signal", (signal) => void heard.push(signal));
  const sent = ada.room.signal("cursor.moved", { line: 3 });
  await world.pass(1000);
  await sent;
  assert.deepEqual(heard, [{ name: "cursor.moved", user: "ada", data: { line: 3 } }]);
  world.refusals.push({ kind: "signal", code: "too_many_requests", retryAfter: 0.1 });
  const refused = assert.rejects(ada.room.signal("cursor.moved"), { code: "too_many_requests", retryAfter: 0.1 });
  await world.pass(1000);
  await refused;
});

test("who turns away is idle, also on the next connection, until they are back", async () => {
  const { world, ada, grace } = await two(11);
  const activity = () => grace.room.presence?.people?.find(({ user }) => user === "ada")?.activity;
  ada.platform.sign("visible");
  await world.pass(4 * MINUTE);
  ada.platform.sign("input");
  await world.pass(4 * MINUTE);
  assert.equal(activity(), "active");
  await world.pass(MINUTE + 1000);
  assert.equal(activity(), "idle");
  world.refusals.push({ kind: "activity", code: "unavailable" });
  world.cut();
  await world.pass(MINUTE);
  assert.equal(activity(), "idle");
  ada.platform.sign("input");
  await world.pass(1000);
  assert.equal(activity(), "active");
  ada.platform.sign("hidden");
  await world.pass(1000);
  assert.equal(activity(), "idle");
});

test("a person's own word counts, and what they had is not told again", async () => {
  const { world, ada } = await two(12);
  for (const word of /** @type {const} */ (["active", "idle", "idle", "active"])) {
    ada.parley.activity(word);
    await world.pass(1000);
  }
  assert.deepEqual(world.lobby.said.flatMap(({ activity }) => activity ?? []), ["idle", "active"]);
});

test("a device has the same name at each connection and after a reload", async () => {
  const world = new World(chance(13));
  const storage = new MemoryShelf();
  const { parley } = enter(world, "ada", { storage });
  await world.pass(1000);
  world.cut();
  await world.pass(MINUTE);
  parley.close();
  enter(world, "ada", { storage });
  await world.pass(1000);
  assert.equal(world.devices.length, 3);
  assert.equal(new Set(world.devices).size, 1);
});

test("one can become a member, and page through them", async () => {
  const { world, ada } = await two(14);
  for (const user of ["grace", "mary"]) world.log.join(user);
  const joined = ada.room.join();
  await world.pass(1000);
  assert.equal((await joined).user, "ada");
  const first = ada.room.members({ limit: 2 });
  await world.pass(1000);
  assert.deepEqual([(await first).members.map(({ user }) => user), (await first).next], [["ada", "grace"], "grace"]);
  const second = ada.room.members({ after: "grace" });
  await world.pass(1000);
  assert.deepEqual([(await second).members.map(({ user }) => user), (await second).next], [["mary"], null]);
});
