import assert from "node:assert/strict";
import { test } from "node:test";

import { again, backoff } from "../backoff.js";

test("a wait lies anywhere between nothing and the doubled base", () => {
  assert.deepEqual([0, 1, 2, 3].map((attempt) => backoff(attempt, 0.5, 100, 10_000)), [50, 100, 200, 400]);
  assert.equal(backoff(3, 0), 0);
});

test("no wait is longer than the cap, however many attempts there were", () => {
  assert.equal(backoff(5000, 0.999, 100, 10_000), 9990);
});

test("what a server asks for is waited, and up to a fifth more", () => {
  assert.deepEqual([0, 0.5].map((random) => again(0, random, 10)), [10_000, 11_000]);
  assert.equal(again(3, 0.5, 0), backoff(3, 0.5));
  assert.equal(again(5, 0.5, 1), backoff(5, 0.5));
});
