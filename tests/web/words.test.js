import assert from "node:assert/strict";
import { test } from "node:test";

import { link, read, roomName } from "../../web/address.js";
import { judge } from "../../web/limits.js";
import { banner } from "../../web/outage.js";

/** @param {import("../../clients/js/connection.js").State} state @param {string | null} [reason] */
const standing = (state, reason = null) => ({ state, retryAt: null, reason });

test("the address names the room and the person", () => {
  assert.deepEqual(read("?room=chat-5-12&as=ada"), { room: "chat-5-12", as: "ada" });
  assert.deepEqual(read(""), { room: "chat-lobby", as: null });
  assert.deepEqual(read(link({ room: "chat-a=b", as: "Ada & co" }).slice(1)), { room: "chat-a=b", as: "Ada & co" });
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

test("a connection that comes as expected is not talked about", () => {
  const first = banner(standing("connecting"), { connectedBefore: false, banner: null });
  assert.equal(first?.kind, "quiet");
  assert.equal(banner(standing("connected"), { connectedBefore: false, banner: first }), null);
});

test("an outage is shown until it is over, without flicker, and then its end", () => {
  const offline = banner(standing("waiting"), { connectedBefore: true, banner: null });
  assert.equal(offline?.text, "Offline. Your messages will be sent when you are back.");
  assert.deepEqual(banner(standing("connecting"), { connectedBefore: true, banner: offline }), offline);
  assert.equal(banner(standing("connected"), { connectedBefore: true, banner: offline })?.text, "Reconnected.");
});

test("what the server has ended for good says why, and what to do", () => {
  const ended = banner(standing("closed", "the token is not valid"), { connectedBefore: true, banner: null });
  assert.deepEqual([ended?.text, ended?.action], ["Disconnected: the token is not valid.", "Reload"]);
});
