import assert from "node:assert/strict";
import { test } from "node:test";

import { Presence } from "../presence.js";
import { named } from "./lobby.js";

/** @param {string[] | null} users @param {number} [count] */
function state(users, count = users?.length ?? 0) {
  const presence = new Presence();
  presence.replace({ count, people: users && users.map(named) });
  return presence;
}

/** @param {Presence} presence */
const users = ({ state }) => state?.people?.map(({ user }) => user);

/** @param {Record<string, any>} rest */
const frame = (rest) => ({ type: "presence", room: "r", ...rest });

test("who comes and goes makes another state, and the old one stays as it is", () => {
  const presence = state(["ada", "grace"]);
  const before = presence.state;
  presence.receive(frame({ count: 2, joined: [named("barbara")], left: ["ada"] }));
  assert.deepEqual([presence.state?.count, users(presence)], [2, ["grace", "barbara"]]);
  assert.deepEqual(before?.people?.map(({ user }) => user), ["ada", "grace"]);
});

test("who has joined already is replaced, with what they do now", () => {
  const presence = state(["ada"]);
  presence.receive(frame({ count: 1, joined: [{ ...named("ada"), activity: "idle" }], left: [] }));
  assert.deepEqual(presence.state?.people, [{ ...named("ada"), activity: "idle" }]);
});

test("a state replaces everything, and one that is not known replaces nothing", () => {
  const presence = state(["ada"]);
  presence.receive(frame({ count: 1, people: [named("grace")] }));
  presence.replace(null);
  assert.deepEqual([users(presence), presence.here("ada"), presence.here("grace")], [["grace"], false, true]);
});

test("a difference to nothing is not a state", () => {
  const presence = new Presence();
  presence.receive(frame({ count: 3, joined: [named("ada")], left: [] }));
  assert.deepEqual([presence.state, presence.here("ada")], [null, null]);
});

test("in a large room those are known who were asked for, and then what becomes of them", () => {
  const presence = state(null, 5000);
  assert.equal(presence.here("ada"), null);
  presence.receive(frame({ id: 1, count: 5001, asked: [{ ...named("ada"), here: true }, { ...named("grace"), here: false }] }));
  assert.deepEqual([presence.state?.count, presence.here("ada"), presence.here("grace")], [5001, true, false]);
  presence.receive(frame({ count: 5001, joined: [named("grace")], left: ["ada"] }));
  assert.deepEqual([presence.here("ada"), presence.here("grace"), presence.asked], [false, true, ["ada", "grace"]]);
  presence.receive(frame({ count: 900, people: [named("ada")] }));
  presence.receive(frame({ count: 1001, people: null }));
  assert.deepEqual([presence.here("ada"), presence.here("grace"), presence.here("barbara")], [true, false, null]);
});
