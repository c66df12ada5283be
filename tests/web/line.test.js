import assert from "node:assert/strict";
import { test } from "node:test";

import { Line } from "../../web/line.js";

test("whoever opens a room finds the line where they had come to, if something is new", () => {
  const [line, nothing] = [new Line(), new Line()];
  line.begin(41, true);
  nothing.begin(41, false);
  assert.deepEqual([line.after, nothing.after], [41, null]);
});

test("it stays there, whatever is read, until the reader writes", () => {
  const line = new Line();
  line.begin(41, true);
  line.begin(57, true);
  line.arrived();
  assert.equal(line.after, 41);
  line.posted();
  line.begin(41, true);
  assert.equal(line.after, null);
});

test("what arrives while the reader looks away is new to whoever comes back", () => {
  const line = new Line();
  line.begin(41, false);
  line.leave(50);
  line.arrived();
  line.arrived();
  line.back();
  line.arrived();
  assert.equal(line.after, 50);
});

test("whoever looks away and misses nothing finds everything as it was", () => {
  const line = new Line();
  line.begin(41, true);
  line.leave(50);
  line.back();
  line.arrived();
  assert.equal(line.after, 41);
});
