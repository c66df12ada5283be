import assert from "node:assert/strict";
import { test } from "node:test";

import { allMuted, announcement, choices, heard, mutedUntil } from "../../web/hearing.js";

/** @import { Comment, Preferences, RoomPreferences } from "../../clients/js/types.js" */

const NOW = Date.parse("2026-11-23T12:00:00Z");
const LATER = "2026-11-23T13:00:00Z";
const EARLIER = "2026-11-23T11:00:00Z";
const EVER = "9999-12-31T23:59:59Z";
/** @type {Preferences} */
const ALL = { level: "all", mutedUntil: null, preview: true, mutedUsers: [], quietHours: null, rooms: {} };
const COMMENT = /** @type {Comment} */ (/** @type {unknown} */ ({
  ...{ id: "c1", room: "chat-1-1", offset: 3, author: "ada", authorName: "Ada", body: "hello", mentions: [] },
  createdAt: new Date(NOW - 500).toISOString(),
}));

/** @param {Partial<RoomPreferences>} own @param {Partial<Preferences>} [more] @returns {Preferences} */
const own = (own, more) => ({ ...ALL, ...more, rooms: { "chat-1-1": { level: null, mutedUntil: null, preview: null, ...own } } });

/** @type {[string, Preferences | null, number | null][]} */
const MUTES = [
  ["nothing is known", null, null],
  ["nothing was said of it", ALL, null],
  ["it is over", own({ mutedUntil: EARLIER }), null],
  ["until a time", own({ mutedUntil: LATER }), Date.parse(LATER)],
  ["for ever", own({ mutedUntil: EVER }), Infinity],
  ["nothing of the room is wanted", own({ level: "none" }), Infinity],
  ["only all rooms are", { ...ALL, mutedUntil: EVER }, null],
];

for (const [what, preferences, until] of MUTES) {
  test(`until when a room is muted: ${what}`, () => assert.equal(mutedUntil(preferences, "chat-1-1", NOW), until));
}

test("all rooms are muted, but for those of which something is wanted", () => {
  assert.ok(allMuted({ ...ALL, mutedUntil: LATER }, "chat-1-1", NOW));
  assert.ok(allMuted({ ...ALL, level: "none" }, "chat-1-1", NOW));
  assert.ok(!allMuted(own({ level: "all" }, { level: "none" }), "chat-1-1", NOW));
  assert.ok(!allMuted({ ...ALL, mutedUntil: EARLIER }, "chat-1-1", NOW));
  assert.ok(!allMuted(null, "chat-1-1", NOW));
});

/** @type {[string, Preferences | null, Partial<Comment>, boolean][]} */
const HEARD = [
  ["somebody's comment", ALL, {}, true],
  ["also while preferences are not known", null, {}, true],
  ["not one's own", ALL, { author: "me" }, false],
  ["not an old one, of which one hears late", ALL, { createdAt: EARLIER }, false],
  ["not in a muted room", own({ mutedUntil: LATER }), {}, false],
  ["not when all is muted", { ...ALL, mutedUntil: LATER }, {}, false],
  ["not of a muted person", { ...ALL, mutedUsers: ["ada"] }, {}, false],
  ["not without a mention where only mentions count", { ...ALL, level: "mentions" }, {}, false],
  ["with one", { ...ALL, level: "mentions" }, { mentions: [{ user: "me", start: 0, end: 3 }] }, true],
  ["of a room of which all is wanted", own({ level: "all" }, { level: "mentions" }), {}, true],
];

for (const [what, preferences, more, expected] of HEARD) {
  test(`what is heard: ${what}`, () => assert.equal(heard(preferences, { ...COMMENT, ...more }, "me", NOW), expected));
}

test("a notification names the room and the author, and has 50 characters of the text", () => {
  assert.deepEqual(announcement(ALL, COMMENT), { title: "New message in chat-1-1", body: "Ada: hello" });
  assert.equal(announcement(null, { ...COMMENT, body: "x".repeat(50) }).body, `Ada: ${"x".repeat(50)}`);
  assert.equal(announcement(null, { ...COMMENT, body: "😀".repeat(51) }).body, `Ada: ${"😀".repeat(50)}...`);
});

test("whoever wants no preview is shown neither author nor text", () => {
  assert.equal(announcement({ ...ALL, preview: false }, COMMENT).body, "");
  assert.equal(announcement(own({ preview: false }), COMMENT).body, "");
  assert.equal(announcement(own({ preview: true }, { preview: false }), COMMENT).body, "Ada: hello");
});

test("a room can be muted for a while or for ever, and it is said until when it is", () => {
  const chosen = (/** @type {number | null} */ until) => {
    const { choices: all, chosen } = choices(until, NOW, "en");
    return [all.length, all.find(({ value }) => value === chosen)?.text];
  };
  assert.deepEqual([chosen(null), chosen(Infinity)], [[4, "No"], [4, "Yes"]]);
  assert.match(String(chosen(NOW + 3600_000)[1]), /^Until \d+:00\s[AP]M$/);
  assert.deepEqual(chosen(NOW + 7 * 24 * 3600_000), [5, "Until Nov 30, 2026"]);
  assert.deepEqual(choices(null, NOW).choices.map(({ value }) => value), ["0", "3600", "28800", "ever"]);
});
