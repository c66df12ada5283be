import assert from "node:assert/strict";
import { test } from "node:test";

import * as timeline from "../timeline.js";
import { chance } from "./chance.js";
import { Log, scribble } from "./log.js";

const ADA = { id: "ada", name: "Ada" };

/** @param {timeline.Timeline} state @param {import("../types.js").Pending[]} [pending] */
const show = (state, pending = []) => timeline.items(state, pending, ADA);

/** @param {Log} log @param {number} [limit] */
const newest = (log, limit = 50) => timeline.replace(timeline.empty(), log.page({ limit }), false);

/** @param {string} clientId @param {string} body @returns {import("../types.js").Pending} */
const pending = (clientId, body) => ({
  ...{ clientId, room: "r", body, imageMeta: null, videoMeta: null, urgent: false, createdAt: "" },
  ...{ order: 1, status: "SENDING", error: null },
});

test("a posted comment has the shape that history gives it", () => {
  const log = new Log("r");
  log.post("grace", "hello", "k1");
  const replayed = log.events.reduce(timeline.apply, timeline.empty());
  assert.deepEqual(show(replayed), show(newest(log)));
});

test("the event may come before the answer, or the answer before the event", () => {
  const log = new Log("r");
  const comment = log.post("ada", "hello", "k1");
  const [event] = log.events;
  const eventFirst = timeline.confirm(timeline.apply(timeline.empty(), event), comment);
  const answerFirst = timeline.apply(timeline.confirm(timeline.empty(), comment), event);
  for (const state of [eventFirst, answerFirst]) {
    assert.deepEqual(show(state, [pending("k1", "hello")]).map(({ key, status }) => [key, status]), [["k1", "SENT"]]);
  }
});

test("somebody else's client id neither hides nor replaces an own pending comment", () => {
  const log = new Log("r");
  log.post("grace", "mine", "k1");
  assert.deepEqual(show(newest(log), [pending("k1", "hello")]).map(({ key }) => key), ["c1", "k1"]);
});

test("a late page does not undo an edit", () => {
  const log = new Log("r");
  log.post("grace", "first");
  const page = log.page({ limit: 50 });
  log.edit("c1", "second");
  const state = log.events.reduce(timeline.apply, timeline.empty());
  assert.deepEqual(show(timeline.older(state, page)).map(({ body, edited }) => [body, edited]), [["second", true]]);
});

test("an event that a page already contains does not undo what came after it", () => {
  const log = new Log("r");
  log.post("grace", "first");
  for (const body of ["second", "third"]) log.edit("c1", body);
  assert.deepEqual(show(timeline.apply(newest(log), log.events[1])).map(({ body }) => body), ["third"]);
});

test("an edit that arrives before the older page it belongs to is not lost", () => {
  const log = new Log("r");
  for (const body of ["one", "two"]) log.post("grace", body);
  const asked = timeline.expect(newest(log, 1));
  const page = log.page({ before: 2, limit: 50 });
  log.edit("c1", "changed");
  const state = timeline.older(timeline.apply(asked, log.events[2]), page);
  assert.deepEqual(show(state).map(({ body }) => body), ["changed", "two"]);
});

test("nothing follows a delete", () => {
  const log = new Log("r");
  log.post("ada", "first");
  const late = { ...log.edit("c1", "second"), updatedAt: "9999" };
  log.remove("c1");
  const state = timeline.edited(newest(log), late);
  assert.deepEqual(show(state).map(({ body, deleted, edited }) => [body, deleted, edited]), [["", true, false]]);
});

test("the answer to an edit never replaces a later edit", () => {
  const log = new Log("r");
  log.post("ada", "first");
  const answer = log.edit("c1", "second");
  log.edit("c1", "third");
  assert.deepEqual(show(timeline.edited(newest(log), answer)).map(({ body }) => body), ["third"]);
});

test("an own comment from before what is loaded is left to history", () => {
  const log = new Log("r");
  const old = log.post("ada", "old", "k1");
  for (let count = 0; count < 5; count++) log.post("grace", "new");
  assert.equal(show(timeline.confirm(newest(log, 3), old)).length, 3);
});

test("events of types to come are passed over", () => {
  const state = timeline.empty();
  const event = { type: "reaction.added", id: "v1", room: "r", offset: 1, at: "", actor: "ada" };
  assert.equal(timeline.apply(state, event), state);
});

test("mentions are those of the newest body", () => {
  const log = new Log("r");
  log.post("grace", "@ada");
  log.edit("c1", "@mary");
  log.remove("c1");
  const mentions = ["ada", "mary", "nobody"].map((user) => [{ user, start: 0, end: 4 }]);
  const events = log.events.map((event, index) => ({ ...event, mentions: mentions[index] }));
  const states = events.map((_, index) => events.slice(0, index + 1).reduce(timeline.apply, timeline.empty()));
  assert.deepEqual(states.map((state) => show(state)[0].mentions), [mentions[0], mentions[1], []]);
  assert.deepEqual(show(timeline.empty(), [pending("k1", "@ada")])[0].mentions, []);
});

test("what is not read are others' comments that still exist, if all of them are loaded", () => {
  const log = new Log("r");
  for (const author of ["grace", "ada", "grace", "mary", "grace"]) log.post(author, "hello");
  log.remove("c3");
  const count = (/** @type {timeline.Timeline} */ state) => [0, 1, 2, 5, 6].map((read) => timeline.unread(state, read, ADA));
  assert.deepEqual(count(newest(log)), [3, 2, 2, 0, 0]);
  assert.deepEqual(count(newest(log, 3)), [null, null, 2, 0, 0]);
  assert.deepEqual(count(timeline.empty()), [null, null, null, null, null]);
  assert.deepEqual(timeline.unread(newest(new Log("r")), 0, ADA), 0);
});

test("pages, events and answers in any order end as the log", () => {
  for (let seed = 0; seed < 500; seed++) shuffle(seed);
});

/** @param {number} seed */
function shuffle(seed) {
  const dice = chance(seed);
  const log = new Log("r");
  const write = () => scribble(log, dice);
  for (let count = dice.whole(60); count > 0; count--) write();
  let state = newest(log, 10);
  let next = log.head;
  for (let step = 0; step < 30; step++) {
    const page = log.page({ before: state.floor ?? 1, limit: 10 });
    state = timeline.expect(state);
    for (let count = dice.whole(4); count > 0; count--) write();
    while (next < log.head && dice.happens(0.6)) state = timeline.apply(state, log.events[next++]);
    for (const comment of log.comments.values()) if (comment.offset > next && dice.happens(0.3)) state = timeline.confirm(state, comment);
    state = state.complete ? timeline.giveUp(state) : timeline.older(state, page);
  }
  state = log.events.slice(next).reduce(timeline.apply, state);
  const expected = [...log.comments.values()].map(({ id, body, deletedAt }) => [id, body, deletedAt !== null]);
  assert.deepEqual(show(state).map(({ id, body, deleted }) => [id, body, deleted]), expected, `seed ${seed}`);
}
