import assert from "node:assert/strict";
import { test } from "node:test";

import { device } from "../device.js";
import { MemoryShelf } from "../outbox.js";

test("a device keeps its name over a reload", () => {
  const shelf = new MemoryShelf();
  assert.deepEqual([device(shelf, () => "d1"), device(shelf, () => "d2")], ["d1", "d1"]);
});

for (const wrong of ["", "a name", "é", "x".repeat(65)]) {
  test(`a name that no server would take is replaced: ${JSON.stringify(wrong.slice(0, 8))}`, () => {
    const shelf = new MemoryShelf();
    shelf.setItem("parley:device", wrong);
    assert.deepEqual([device(shelf, () => "d1"), device(shelf, () => "d2")], ["d1", "d1"]);
  });
}

test("with a full storage, it has a name all the same", () => {
  const full = new MemoryShelf();
  full.setItem = () => {
    throw new Error("full");
  };
  assert.equal(device(full, () => "d1"), "d1");
});
