import assert from "node:assert/strict";
import { test } from "node:test";

import { asked, departed, dots, header, lastSeen, list, parted } from "../../web/presence.js";

const NOW = Date.parse("2026-11-23T12:00:00Z");
const READER = { me: "ada", now: NOW, locale: "en-GB" };

/** @param {string} user @param {string} [activity] */
const person = (user, activity = "active") => ({ user, name: user[0].toUpperCase() + user.slice(1), avatar: null, activity });
/** @param {string} user @param {string | null} lastSeen */
const absent = (user, lastSeen) => ({ user, name: null, avatar: null, lastSeen });

test("the header shows the others, the active ones first, and counts everybody", () => {
  const people = [person("ada"), person("grace", "idle"), person("alan"), person("barbara"), person("edsger")];
  const { faces, text, label } = header({ count: 5, people }, "ada");
  assert.deepEqual(faces.map(({ user }) => user), ["alan", "barbara", "edsger"]);
  assert.deepEqual([text, label], ["5 here", "5 here: Alan, Barbara, Edsger and others"]);
});

test("whoever is alone is told so", () => {
  assert.deepEqual(header({ count: 1, people: [person("ada")] }, "ada").text, "Only you");
  assert.deepEqual(header({ count: 0, people: [] }, "ada").text, "Only you");
  assert.equal(header({ count: 1, people: [person("grace")] }, "ada").text, "1 here");
});

test("of very many only the number is known", () => {
  const { faces, text, label } = header({ count: 5000, people: null }, "ada");
  assert.deepEqual([faces, text, label], [[], "5000 here", "5000 here"]);
});

test("the list begins with oneself and ends with whoever has been away for longest", () => {
  const away = [absent("alan", null), absent("edsger", "2026-11-23T11:00:00Z"), absent("barbara", "2026-11-23T11:55:00Z"), absent("grace", null)];
  const entries = list([person("grace", "idle"), person("zoe"), person("ada")], away, READER);
  assert.deepEqual(entries.map(({ user, dot, note }) => [user, dot, note]), [
    ["ada", "active", "You"],
    ["zoe", "active", "Here"],
    ["grace", "idle", "Idle"],
    ["barbara", "away", "Last seen 5 minutes ago"],
    ["edsger", "away", "Last seen 1 hour ago"],
    ["alan", "away", "Away"],
  ]);
});

test("whoever leaves has been seen just now, whenever they were away before", () => {
  const before = [person("grace"), person("alan")];
  const known = { here: before, absent: [absent("grace", "2026-11-01T00:00:00Z"), absent("edsger", null)] };
  const after = departed(known, [person("alan"), person("zoe")], NOW);
  assert.deepEqual(after.absent.map(({ user, lastSeen }) => [user, lastSeen]), [["edsger", null], ["grace", "2026-11-23T12:00:00.000Z"]]);
  assert.deepEqual(after.here, [person("alan"), person("zoe")]);
  assert.deepEqual(departed(after, after.here, NOW + 1), after);
});

test("in a large room whoever was asked for is here, or left just now, and of the others nothing is said", () => {
  const told = new Map([["grace", true], ["alan", false], ["edsger", true], ["barbara", false]]);
  const known = { here: [person("grace"), person("alan"), person("zoe")], absent: [absent("edsger", null), absent("barbara", null), absent("mary", null)] };
  const { here, absent: away } = asked(known, (user) => told.get(user) ?? null, NOW);
  assert.deepEqual(here.map(({ user }) => user), ["grace", "edsger"]);
  assert.deepEqual(away.map(({ user, lastSeen }) => [user, lastSeen]), [["barbara", null], ["alan", "2026-11-23T12:00:00.000Z"]]);
});

test("an answer parts who is here from who is away, with the names of members who have not been here yet", () => {
  const found = [{ ...person("grace", "idle"), here: true, lastSeen: null }, { user: "alan", name: null, avatar: null, here: false, lastSeen: "2026-11-23T11:00:00Z" }];
  const { here, absent: away } = parted(found, new Map([["alan", { user: "alan", name: "Alan Turing", avatar: "a.png" }]]));
  assert.deepEqual(here.map(({ user, name, activity }) => [user, name, activity]), [["grace", "Grace", "idle"]]);
  assert.deepEqual(away.map(({ user, name, avatar, lastSeen }) => [user, name, avatar, lastSeen]), [["alan", "Alan Turing", "a.png", "2026-11-23T11:00:00Z"]]);
});

test("the dots are those of everybody, and in a large room of the authors who were asked for", () => {
  const here = (/** @type {string} */ user) => new Map([["ada", true], ["grace", false]]).get(user) ?? null;
  assert.deepEqual([...dots({ count: 2, people: [person("zoe", "idle"), person("ada")] }, ["ada"], here)], [["zoe", "idle"], ["ada", "active"]]);
  assert.deepEqual([...dots({ count: 5000, people: null }, ["ada", "grace", "alan"], here)], [["ada", "active"]]);
  assert.deepEqual([...dots(null, ["ada"], here)], []);
});

test("how long ago somebody was seen is said as people say it", () => {
  /** @param {number} minutes */
  const ago = (minutes) => lastSeen(new Date(NOW - minutes * 60_000).toISOString(), READER);
  assert.deepEqual([-1, 0.9, 1, 59, 60, 1439, 1440, 2880, 10_080].map(ago), [
    ...["Last seen just now", "Last seen just now", "Last seen 1 minute ago", "Last seen 59 minutes ago", "Last seen 1 hour ago"],
    ...["Last seen 23 hours ago", "Last seen yesterday", "Last seen 2 days ago", "Last seen on 16 Nov 2026"],
  ]);
});
