import assert from "node:assert/strict";
import { test } from "node:test";

import { link, read, roomName } from "../../web/address.js";
import { judge } from "../../web/limits.js";

test("the address names the room and the person", () => {
  assert.deepEqual(read("?room=chat-5-12&as=ada"), { room: "chat-5-12", as: "ada", notified: false });
  assert.deepEqual(read(""), { room: "chat-lobby", as: null, notified: false });
  assert.deepEqual(read(link({ room: "chat-a=b", as: "Ada & co" }).slice(1)), { room: "chat-a=b", as: "Ada & co", notified: false });
});

test("the address of a notification names the room, and says that it is for whoever was notified", () => {
  assert.deepEqual(read(link({ room: "chat-5-12", notified: true }).slice(1)), { room: "chat-5-12", as: null, notified: true });
});

test("whatever is typed becomes a room of the demo", () => {
  const typed = ["", "chat-", "chat-5-12", "5-12", " tea time ", "<script>", "x".repeat(500)];
  assert.deepEqual(typed.map(roomName).map((name) => name.slice(0, 14)), ["chat-lobby", "chat-lobby", "chat-5-12", "chat-5-12", "chat-tea-time", "chat-script", "chat-xxxxxxxxx"]);
  assert.equal(roomName("x".repeat(500)).length, 120);
});

test("a message has something in it, and at most 10,000 characters", () => {
  const sendable = ["", " \n ", "x", "x".repeat(10_000), "🦊".repeat(10_000), "x".repeat(10_001)].map((text) => judge(text).sendable);
  assert.deepEqual(sendable, [false, false, true, true, true, false]);
});

test("the counter appears near the end", () => {
  assert.deepEqual([9499, 9500, 10_000, 10_002].map((length) => judge("x".repeat(length)).counter), ["", "500 left", "0 left", "2 too many"]);
});
