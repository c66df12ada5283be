import assert from "node:assert/strict";
import { test } from "node:test";

import { Typists } from "../typists.js";

test("somebody types until three seconds after what was last heard of it", () => {
  const typists = new Typists();
  assert.ok(typists.hear("ada", "Ada", 0));
  assert.ok(!typists.hear("ada", "Ada", 2000));
  assert.equal(typists.next, 5000);
  assert.ok(!typists.expire(4999));
  assert.ok(typists.expire(5000));
  assert.deepEqual([typists.list, typists.next], [[], null]);
});

test("who began first comes first, and whose comment is there has stopped", () => {
  const typists = new Typists();
  for (const [user, now] of /** @type {const} */ ([["ada", 0], ["grace", 1], ["ada", 2]])) typists.hear(user, user, now);
  assert.deepEqual(typists.list, ["ada", "grace"].map((user) => ({ user, name: user })));
  assert.deepEqual([typists.stop("ada"), typists.stop("ada"), typists.list.length], [true, false, 1]);
});

test("a new name is shown", () => {
  const typists = new Typists();
  typists.hear("ada", "ada", 0);
  assert.ok(typists.hear("ada", "Ada", 1));
  assert.deepEqual(typists.list, [{ user: "ada", name: "Ada" }]);
});
