import assert from "node:assert/strict";
import { test } from "node:test";

import { pieces } from "../../web/mentions.js";

/** What is marked, and how. @param {string} body @param {[string, number, number][]} mentions */
const marked = (body, mentions) => {
  const found = pieces(body, mentions.map(([user, start, end]) => ({ user, start, end })), "ada");
  assert.equal(found.map(({ text }) => text).join(""), body);
  return found.flatMap(({ text, mention }) => (mention ? [[text, mention]] : []));
};

test("a text without mentions is one piece, and an empty one none", () => {
  assert.deepEqual(pieces("hi", [], "ada"), [{ text: "hi", mention: null }]);
  assert.deepEqual(pieces("", [], "ada"), []);
});

test("mentions are marked where they stand, those of the reader as such", () => {
  assert.deepEqual(marked("@grace, ask @ada.", [["ada", 12, 16], ["grace", 0, 6]]), [["@grace", "other"], ["@ada", "me"]]);
});

test("positions count as the server counts, also behind an emoji", () => {
  assert.deepEqual(marked("🦊 @ada!", [["ada", 3, 7]]), [["@ada", "me"]]);
});

test("positions that do not fit the text mark nothing", () => {
  assert.deepEqual(marked("@ada", [["ada", 0, 4], ["grace", 2, 4], ["alan", 3, 9], ["x", 4, 4], ["y", -1, 2]]), [["@ada", "me"]]);
});
