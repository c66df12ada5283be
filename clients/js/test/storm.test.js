import assert from "node:assert/strict";
import { test } from "node:test";

import { MemoryShelf } from "../outbox.js";
import { chance } from "./chance.js";
import { scribble } from "./log.js";
import { MINUTE, enter, shown, truth, unsent } from "./people.js";
import { World } from "./world.js";

/** @import { Somebody } from "./people.js" */

test("whatever the network does, everyone ends with the log, and sees each event once, in order", async () => {
  for (let seed = 0; seed < 60; seed++) await storm(seed, 16, () => {});
});

test("whatever the network does, everyone ends with who is here, how far they are, and what they have not read", async () => {
  for (let seed = 100; seed < 160; seed++) await storm(seed, 24, agree);
});

/** @param {number} seed @param {number} kinds  of what happens @param {(world: World, person: Somebody, seed: number) => void} check */
async function storm(seed, kinds, check) {
  const dice = chance(seed);
  const world = new World(dice);
  const shared = new MemoryShelf();
  const people = [enter(world, "ada", { storage: shared }), enter(world, "ada", { storage: shared }), enter(world, "grace")];
  for (const { parley } of people) parley.watchUnread();
  for (let step = 0; step < 60; step++) {
    happen(world, dice.pick(people), dice.whole(kinds));
    await world.pass(dice.whole(500));
  }
  world.heal();
  await world.pass(1000);
  for (const { room } of people) {
    room.subscribe(); // does nothing unless the server refused
    room.items.filter(({ status }) => status === "FAILED").forEach(({ clientId }) => room.retry(clientId ?? ""));
  }
  world.change(() => void world.log.post("grace", "the end")); // shows that a frame before it was lost
  await world.pass(3 * MINUTE);
  for (const person of people) whole(world, person, seed);
  for (const person of people) check(world, person, seed);
  assert.deepEqual(unsent(shared), [], `seed ${seed}`);
}

/** @param {World} world @param {Somebody} person @param {number} seed */
function whole(world, { room, seen }, seed) {
  const expected = truth(world);
  assert.deepEqual(shown(room), expected.slice(expected.length - room.items.length), `seed ${seed}`);
  assert.ok(room.items.length >= Math.min(50, expected.length), `seed ${seed}`);
  assert.ok(seen.offsets.every((offset, index) => index === 0 || offset > seen.offsets[index - 1]), `seed ${seed}`);
}

/** @param {World} world @param {Somebody} person @param {number} seed */
function agree({ log, lobby }, { room, parley, id }, seed) {
  const sorted = (/** @type {import("../types.js").Person[] | null | undefined} */ people) => people?.toSorted((a, b) => (a.user < b.user ? -1 : 1));
  assert.deepEqual([room.presence?.count, sorted(room.presence?.people)], [2, sorted(lobby.presence()?.people)], `seed ${seed}`);
  assert.deepEqual(new Map([...(room.receipts?.receipts ?? [])].sort()), new Map([...log.marks].sort()), `seed ${seed}`);
  for (const { delivered } of log.marks.values()) assert.equal(delivered, log.head, `seed ${seed}`);
  for (const { own, status, offset } of room.items) {
    if (own) assert.equal(status, log.status({ author: id, offset: offset ?? 0 }), `seed ${seed}`);
  }
  assert.deepEqual([...parley.unread.values()], lobby.unread(id), `seed ${seed}`);
  assert.equal(room.unread, parley.unread.get("lobby")?.unread ?? room.unread, `seed ${seed}`);
  assert.deepEqual(room.typists, [], `seed ${seed}`);
}

/** @param {World} world @param {Somebody} person @param {number} kind */
function happen(world, { room, parley, platform, id }, kind) {
  const { dice } = world;
  const own = room.items.filter((item) => item.own && item.id && !item.deleted).map((item) => item.id ?? "");
  if (kind < 3) room.post(`post ${world.now} ${dice.whole(1000)}`);
  if (kind === 3 && own.length) room.edit(dice.pick(own), `edit ${world.now}`).catch(() => {});
  if (kind === 4 && own.length) room.remove(dice.pick(own)).catch(() => {});
  if (kind === 5) for (let count = dice.whole(40); count > 0; count--) world.change(() => scribble(world.log, dice));
  if (kind === 6) room.older().catch(() => {});
  if (kind === 7) world.cut(dice.pick([1001, 1006, 1011, 1012, 4000, 4499]));
  if (kind === 8) world.reachable = dice.happens(0.5);
  if (kind === 9) world.faults = { request: 0.2, answer: 0.2, frame: 0.1, forgets: 0.3, status: dice.pick([500, 503, 429, 422]) };
  if (kind === 10) platform.news(dice.pick(["online", "offline", "visible", "leaving"]));
  if (kind === 11) world.heal();
  if (kind === 12) world.drain(dice.whole(3), dice.pick([4000, 4006]));
  if (kind === 13) world.degrade();
  if (kind === 14) world.restore();
  if (kind === 15) world.refusals.push({ kind: dice.pick(["subscribe", "unsubscribe"]), code: dice.pick(["unavailable", "too_many_requests"]), retryAfter: dice.random() });
  if (kind === 16) room.markRead();
  if (kind === 17) room.markRead(room.items.find(({ offset }) => offset)?.offset ?? 0);
  if (kind === 18) for (let count = 9; count > 0; count--) room.typing();
  if (kind === 19) parley.activity(dice.pick(["active", "idle"]));
  if (kind === 20) world.change(() => (dice.happens(0.5) ? world.log.leave(id) : world.log.join(id)));
  if (kind === 21) world.lobby.known = false;
  if (kind === 22) world.lobby.restate();
  if (kind === 23) world.refusals.push({ kind: dice.pick(["delivered", "read", "unread", "activity"]), code: dice.pick(["unavailable", "too_many_requests"]), retryAfter: dice.random() });
}
