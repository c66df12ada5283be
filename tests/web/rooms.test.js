import assert from "node:assert/strict";
import { test } from "node:test";

import { elsewhere, entries } from "../../web/rooms.js";

/** @param {[string, number, boolean?][]} rooms */
const unread = (rooms) => new Map(rooms.map(([room, unread, mentioned = false]) => [room, { room, head: 99, read: 0, unread, mentioned }]));

test("rooms with something new come first, at the top those where one is mentioned", () => {
  const rooms = unread([["chat-10", 0], ["chat-9", 0], ["chat-news", 3], ["chat-call", 1, true], ["chat-here", 7]]);
  assert.deepEqual(entries(rooms, "chat-here").map(({ room }) => room), ["chat-here", "chat-call", "chat-news", "chat-9", "chat-10"]);
});

test("what is new is counted up to 99, in words and in all other rooms", () => {
  const rooms = unread([["chat-a", 2, true], ["chat-b", 100], ["chat-c", 0], ["chat-here", 7]]);
  assert.deepEqual(entries(rooms, "chat-here").map(({ unread, label }) => [unread, label]), [
    ...[["", ""], ["2", "2 unread, you are mentioned"], ["99+", "100 unread"], ["", ""]],
  ]);
  assert.deepEqual([elsewhere(rooms, "chat-here"), elsewhere(unread([["chat-here", 7]]), "chat-here")], ["99+", ""]);
});

test("whoever is a member of nothing is shown where they are", () => {
  assert.deepEqual(entries(new Map(), "chat-here").map(({ room, current }) => [room, current]), [["chat-here", true]]);
});
