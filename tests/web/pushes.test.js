import assert from "node:assert/strict";
import { test } from "node:test";

import { understand } from "../../web/pushes.js";

const COMMENT = { type: "comment", id: "p1", room: "chat-5-12", comment: "c1", offset: 7, title: "New message in chat-5-12", body: "Ada: hi", tag: "t1" };

/** @param {object} more */
const shown = (more = {}) => /** @type {any} */ (understand(JSON.stringify({ ...COMMENT, ...more })));

test("a comment is shown as it was worded, under the tag of its room", () => {
  const { kind, title, tag, options } = shown();
  assert.deepEqual([kind, title, tag], ["comment", "New message in chat-5-12", "t1"]);
  assert.deepEqual(options.data, { room: "chat-5-12", comment: "c1", offset: 7 });
  const { body, icon, badge, silent, renotify } = options;
  assert.deepEqual([body, icon, badge, options.tag, silent, renotify], ["Ada: hi", "/icon.png", "/badge-icon.png", "t1", false, true]);
});

test("what may have been shown already is replaced without a sound", () => {
  for (const again of [true, "true"]) assert.deepEqual([shown({ again }).options.silent, shown({ again }).options.renotify], [true, false]);
});

test("only pictures that come encrypted are loaded", () => {
  const icons = ["https://a.example/1.png", "http://a.example/1.png", "javascript:alert(1)", "data:image/svg+xml,<svg/>", 5, null];
  assert.deepEqual(icons.map((icon) => shown({ icon }).options.icon), ["https://a.example/1.png", ...Array(5).fill("/icon.png")]);
});

test("numbers may come as strings, and what is no number of comments is none", () => {
  const badges = [3, "3", 0, "", -1, 1.5, "many", null];
  assert.deepEqual(badges.map((badge) => shown({ badge }).badge), [3, 3, 0, null, null, null, null, null]);
  assert.equal(shown({ offset: "12" }).offset, 12);
});

test("what was read elsewhere is taken back", () => {
  const read = understand(JSON.stringify({ type: "read", id: "p2", room: "chat-5-12", offset: 9, tag: "t1", badge: 0 }));
  assert.deepEqual(read, { kind: "read", tag: "t1", room: "chat-5-12", offset: 9, badge: 0 });
});

const UNREADABLE = [null, "", "hello", "[]", "null", "7", "{}", '{"type":"read"}', '{"title":{"a":1},"body":["x"],"room":5,"tag":null,"offset":"x"}'];

for (const text of UNREADABLE) {
  test(`what cannot be read still shows that there is something: ${text}`, () => {
    const { kind, title, tag, options } = /** @type {any} */ (understand(text));
    assert.deepEqual([kind, title, tag, options.body, options.tag], ["comment", "New message", "parley", "", "parley"]);
    assert.deepEqual(options.data, { room: "", comment: "", offset: 0 });
  });
}

test("nobody is shown more than fits", () => {
  const { title, options } = shown({ title: "t".repeat(5000), body: "b".repeat(5000) });
  assert.deepEqual([title.length, options.body.length], [200, 500]);
});
