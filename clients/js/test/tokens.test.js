import assert from "node:assert/strict";
import { test } from "node:test";

import { Tokens } from "../tokens.js";
import { chance } from "./chance.js";
import { MINUTE, enter } from "./people.js";
import { World } from "./world.js";

/** What the application has: a token, and what it answers before it gives the next one. */
class Application {
  current = "old";
  asked = 0;
  /** @type {(string | Error)[]} */
  next = [];

  token = async () => {
    this.asked++;
    const given = this.next.shift() ?? this.current;
    if (given instanceof Error) throw given;
    return (this.current = given);
  };
}

/** Somebody with a token of such an application. @param {number} seed */
async function settled(seed) {
  const world = new World(chance(seed));
  const application = new Application();
  const person = enter(world, "ada", application);
  await world.pass(1000);
  application.asked = 0;
  return { world, application, ...person };
}

/** @param {World} world */
const warn = (world) => world.say({ type: "expiring", seconds: 60 });

test("a token that expires is replaced on the same connection", async () => {
  const { world, application, seen } = await settled(1);
  for (const next of [["new"], ["new", "newer"]]) {
    application.next = next;
    warn(world);
    await world.pass(MINUTE);
  }
  assert.deepEqual([world.tokens, seen.states], [["old", "new", "newer"], ["connected"]]);
});

test("an application that has no token yet is asked again, and one that the server has is not sent", async () => {
  const { world, application } = await settled(2);
  application.next = [new Error("the backend is away"), "old", "old", "new"];
  warn(world);
  await world.pass(MINUTE);
  assert.deepEqual(world.tokens, ["old", "new"]);
});

test("a token that is refused is followed by another, when the server says", async () => {
  const { world, application } = await settled(3);
  application.next = ["bad", "good"];
  world.refusals.push({ kind: "refresh", code: "too_many_requests", retryAfter: 20 });
  warn(world);
  await world.pass(19_000);
  assert.deepEqual(world.tokens, ["old", "bad"]);
  await world.pass(6000);
  assert.deepEqual(world.tokens, ["old", "bad", "good"]);
});

test("the application is asked once however often the server warns", async () => {
  const { world, application } = await settled(4);
  application.next = ["new"];
  for (let count = 0; count < 3; count++) warn(world);
  await world.pass(MINUTE);
  assert.deepEqual([application.asked, world.tokens], [1, ["old", "new"]]);
});

test("requests over HTTP have the new token too", async () => {
  const { world, application, room } = await settled(5);
  application.next = ["new"];
  warn(world);
  await world.pass(1000);
  room.post("hello");
  await world.pass(1000);
  assert.deepEqual([application.asked, world.authorizations.at(-1)], [1, "Bearer new"]);
});

test("when no token comes in time, the next connection asks for one", async () => {
  const { world, application, parley } = await settled(6);
  application.next = [new Error("away"), new Error("away"), new Error("away"), new Error("away"), "new"];
  warn(world);
  await world.pass(200);
  world.cut(4002, "the token has expired");
  await world.pass(2 * MINUTE);
  assert.deepEqual([world.tokens, parley.standing.state], [["old", "new"], "connected"]);
});

test("a token given as a string has no successor", async () => {
  const world = new World(chance(6));
  enter(world, "ada", { token: "only" });
  await world.pass(1000);
  warn(world);
  await world.pass(MINUTE);
  assert.deepEqual(world.tokens, ["only"]);
});

test("while the application has no new token, the old one serves", async () => {
  const application = new Application();
  const tokens = new Tokens(application.token);
  assert.equal(await tokens.get(), "old");
  application.next = [new Error("away")];
  await assert.rejects(tokens.fresh(), /away/);
  assert.equal(await tokens.get(), "old");
});

test("a token that the server did not take is asked for once, not once for each who had it", async () => {
  const application = new Application();
  const tokens = new Tokens(application.token);
  await tokens.get();
  application.next = ["new"];
  assert.deepEqual(await Promise.all([tokens.renew("old"), tokens.renew("old"), tokens.fresh()]), ["new", "new", "new"]);
  assert.equal(await tokens.renew("old"), "new");
  assert.equal(application.asked, 2);
});
