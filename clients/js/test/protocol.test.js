import assert from "node:assert/strict";
import { test } from "node:test";

import { acknowledge, activity, connect, mayReturn, parse, presence, refresh, signal, subscribe, typing, unread, unsubscribe } from "../protocol.js";

test("requests are what the protocol says", () => {
  assert.deepEqual(JSON.parse(connect(1, "t", "d")), { id: 1, type: "connect", token: "t", device: "d" });
  assert.deepEqual(JSON.parse(subscribe(2, "r")), { id: 2, type: "subscribe", room: "r" });
  const since = { epoch: "e", offset: 41 };
  assert.deepEqual(JSON.parse(subscribe(3, "r", since)), { id: 3, type: "subscribe", room: "r", since });
  assert.deepEqual(JSON.parse(refresh(5, "t")), { id: 5, type: "refresh", token: "t" });
  assert.deepEqual(JSON.parse(unsubscribe(4, "r")), { id: 4, type: "unsubscribe", room: "r" });
  assert.deepEqual(JSON.parse(activity(6, "idle")), { id: 6, type: "activity", activity: "idle" });
  assert.deepEqual(JSON.parse(presence(7, "r", ["u"])), { id: 7, type: "presence", room: "r", users: ["u"] });
  assert.deepEqual(JSON.parse(typing(8, "r")), { id: 8, type: "typing", room: "r" });
  assert.deepEqual(JSON.parse(signal(9, "r", "n", undefined)), { id: 9, type: "signal", room: "r", name: "n", data: null });
  assert.deepEqual(JSON.parse(acknowledge(10, "read", "r", 7)), { id: 10, type: "read", room: "r", offset: 7 });
  assert.deepEqual(JSON.parse(unread(11)), { id: 11, type: "unread" });
});

test("a frame of a type that is not known yet is still a frame", () => {
  assert.deepEqual(parse('{"type":"hologram","room":"r"}'), { type: "hologram", room: "r" });
});

test("anything else is not a frame", () => {
  for (const text of ["", "[", "null", "7", '"type"', "[]", "{}", '{"type":7}', new ArrayBuffer(1)]) assert.equal(parse(text), null);
});

test("the close code says whether to come back", () => {
  for (const code of [1000, 1001, 1005, 1006, 1011, 1012, 1013, 4000, 4499]) assert.ok(mayReturn(code), String(code));
  for (const code of [1002, 1003, 1007, 1008, 1009, 1010, 4500, 4999]) assert.ok(!mayReturn(code), String(code));
});
