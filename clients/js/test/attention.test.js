import assert from "node:assert/strict";
import { test } from "node:test";

import { Attention } from "../attention.js";

test("who gives no sign for long enough is idle", () => {
  const attention = new Attention(1000);
  attention.see("visible", 0);
  assert.deepEqual([attention.at(999), attention.left(999), attention.at(1000), attention.left(2000)], ["active", 1, "idle", 0]);
  attention.see("input", 2000);
  assert.deepEqual([attention.at(2999), attention.at(3000)], ["active", "idle"]);
});

test("a page that cannot be seen has nobody at it", () => {
  const attention = new Attention(1000);
  attention.see("input", 0);
  attention.see("hidden", 1);
  assert.equal(attention.at(2), "idle");
  attention.see("visible", 5000);
  assert.equal(attention.at(5001), "active");
});

test("before the first sign nobody is there", () => {
  assert.equal(new Attention(1000).at(0), "idle");
});
