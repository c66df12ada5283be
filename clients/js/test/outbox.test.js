import assert from "node:assert/strict";
import { test } from "node:test";

import { MemoryShelf, Outbox } from "../outbox.js";

/** @param {unknown} error */
const raise = (error) => {
  throw error;
};

/** @param {MemoryShelf} shelf @param {string} [owner] */
const open = (shelf, owner = "ada") => new Outbox(shelf, owner, raise);

/** @param {Outbox} outbox @param {...string} ids */
const write = (outbox, ...ids) => ids.forEach((clientId) => outbox.add({ clientId, room: "r", body: clientId, createdAt: "" }));

/** @param {Outbox} outbox */
const ids = (outbox) => outbox.pending("r").map(({ clientId }) => clientId);

test("entries are kept over a reload, in the order of writing", () => {
  const shelf = new MemoryShelf();
  write(open(shelf), "k3", "k1", "k2");
  const again = open(shelf);
  write(again, "k0");
  assert.deepEqual(ids(open(shelf)), ["k3", "k1", "k2", "k0"]);
});

test("two tabs of one person do not lose each other's entries", () => {
  const shelf = new MemoryShelf();
  const tabs = [open(shelf), open(shelf)];
  tabs.forEach((tab, index) => write(tab, `k${index}`));
  tabs[0].remove("k0");
  assert.deepEqual(ids(open(shelf)), ["k1"]);
});

test("nobody sends what somebody else has written", () => {
  const shelf = new MemoryShelf();
  write(open(shelf, "ada"), "k1");
  assert.deepEqual(ids(open(shelf, "grace")), []);
});

test("a failed entry is passed over, and goes to the end when it is sent again", () => {
  const outbox = open(new MemoryShelf());
  write(outbox, "k1", "k2");
  outbox.fail("k1", "too long");
  assert.equal(outbox.next("r")?.clientId, "k2");
  outbox.retry("k1");
  assert.deepEqual(ids(outbox), ["k2", "k1"]);
});

test("what another version of the page has stored is left alone", () => {
  const shelf = new MemoryShelf();
  shelf.setItem("parley:outbox:ada:k1", "{");
  shelf.setItem("parley:outbox:ada:k2", '{"version":2}');
  assert.deepEqual(ids(open(shelf)), []);
});

test("a full storage is reported, and the entry still waits to be sent", () => {
  /** @type {unknown[]} */
  const reports = [];
  const full = Object.assign(new MemoryShelf(), { setItem: () => raise(new Error("full")) });
  const outbox = new Outbox(full, "ada", (error) => void reports.push(error));
  write(outbox, "k1");
  assert.deepEqual(ids(outbox), ["k1"]);
  assert.equal(reports.length, 1);
});
