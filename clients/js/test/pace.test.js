import assert from "node:assert/strict";
import { test } from "node:test";

import { Pace } from "../pace.js";

/** @param {Pace} pace @param {number} count @param {number} now */
const waits = (pace, count, now) => Array.from({ length: count }, () => pace.wait(now));

test("a few have their turn at once, more of them ten a second", () => {
  const pace = new Pace();
  assert.deepEqual(waits(pace, 23, 0), [...Array(20).fill(0), 100, 200, 300]);
  assert.deepEqual(waits(pace, 2, 350), [50, 150]);
});

test("a pause is made up for, but no further than that", () => {
  const pace = new Pace();
  waits(pace, 30, 0);
  assert.equal(waits(pace, 25, 1e6).filter((wait) => wait === 0).length, 20);
});
