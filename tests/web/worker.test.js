import assert from "node:assert/strict";
import { test } from "node:test";

import { attend } from "../../web/worker.js";
import { Page, Scope } from "./scope.js";

/** @param {...Page} pages */
function worker(...pages) {
  const scope = new Scope();
  scope.pages = pages;
  attend(scope, 50);
  return scope;
}

/** @param {number} offset @param {object} [more] */
const comment = (offset, more) => ({ type: "comment", room: "chat-5-12", comment: `c${offset}`, offset, title: "New", body: `${offset}`, tag: "t1", ...more });

/** @param {number} offset @param {object} [more] */
const read = (offset, more) => ({ type: "read", room: "chat-5-12", offset, tag: "t1", ...more });

/** @param {Scope} scope */
const bodies = (scope) => scope.shown.map(({ body }) => body);

test("of a room one notification is shown, the newest", async () => {
  const scope = worker();
  await scope.push(comment(1));
  await scope.push(comment(2, { badge: 2 }));
  await scope.push(comment(5, { tag: "t2", room: "chat-6-1", badge: 3 }));
  assert.deepEqual([bodies(scope), scope.count], [["2", "5"], 3]);
});

test("one that was overtaken on its way does not hide the newer", async () => {
  const scope = worker();
  await scope.push(comment(3));
  await scope.push(comment(2));
  assert.deepEqual(bodies(scope), ["3"]);
});

test("not even when both come at once, and a page takes its time to answer", async () => {
  const scope = worker(new Page(null));
  await Promise.all([scope.push(comment(3)), scope.push(comment(2))]);
  assert.deepEqual(bodies(scope), ["3"]);
});

test("one that the browser would not show keeps none after it from being shown", async () => {
  const scope = worker();
  const { showNotification } = scope.registration;
  scope.registration.showNotification = () => Promise.reject(new TypeError("no permission"));
  await assert.rejects(scope.push(comment(1)), TypeError);
  scope.registration.showNotification = showNotification;
  await scope.push(comment(2));
  assert.deepEqual(bodies(scope), ["2"]);
});

test("the same one again is shown without a sound", async () => {
  const scope = worker();
  await scope.push(comment(3));
  await scope.push(comment(3, { again: true }));
  assert.deepEqual(scope.shown.map(({ silent, renotify }) => [silent, renotify]), [[true, false]]);
});

test("what is read elsewhere is closed, up to there, in that room only", async () => {
  const scope = worker();
  await scope.push(comment(3, { badge: 2 }));
  await scope.push(comment(1, { tag: "t2", room: "chat-6-1" }));
  await scope.push(read(2, { badge: 1 }));
  assert.deepEqual(bodies(scope), ["3", "1"]);
  await scope.push(read(3, { badge: 0 }));
  assert.deepEqual([bodies(scope), scope.count], [["1"], 0]);
});

test("a push without content, and one that cannot be read, show that there is something", async () => {
  const scope = worker();
  await scope.push(null);
  assert.deepEqual(scope.shown.map(({ title, tag }) => [title, tag]), [["New message", "parley"]]);
  await scope.fire("push", { data: { text: () => "<" } });
  assert.deepEqual(scope.shown.map(({ title, tag }) => [title, tag]), [["New message", "parley"]]);
});

test("where there are no badges, the notification is shown all the same", async () => {
  const scope = worker();
  scope.navigator.setAppBadge = () => Promise.reject(new Error("none here"));
  await scope.push(comment(1, { badge: 1 }));
  scope.navigator = /** @type {any} */ ({});
  await scope.push(comment(2, { badge: 0 }));
  assert.deepEqual(bodies(scope), ["2"]);
});

/** @type {[string, ConstructorParameters<typeof Page>[0], boolean][]} */
const READERS = [
  ["somebody who reads along is not notified", { watching: true }, false],
  ["a page that shows something else is no reason not to", { watching: false }, true],
  ["nor is one that is not looked at", { watching: true, focused: false }, true],
  ["nor one behind another window", { watching: true, visible: false }, true],
  ["nor one that is frozen", null, true],
];

for (const [what, answers, notified] of READERS) {
  test(what, async () => {
    const scope = worker(new Page(answers));
    await scope.push(comment(1));
    assert.equal(scope.shown.length, notified ? 1 : 0);
  });
}

/** @param {Scope} scope */
async function click(scope) {
  await scope.push(comment(1));
  await scope.fire("notificationclick", { notification: scope.shown[0] });
}

test("a click closes the notification and leads to the page that shows the room best", async () => {
  const pages = [new Page({ suited: 0, focused: false }), new Page({ suited: 1, focused: false }), new Page({ suited: 2, focused: false }), new Page(null)];
  const scope = worker(...pages);
  await click(scope);
  assert.deepEqual([scope.shown, scope.opened], [[], []]);
  assert.deepEqual(pages.map(({ orders }) => orders), [[], [], [{ tell: "open", room: "chat-5-12" }], []]);
  assert.ok(pages[2].focused);
});

test("a page that may not be brought to the front shows the room all the same", async () => {
  const page = new Page({ suited: 1 });
  page.focus = () => Promise.reject(new Error("too late"));
  const scope = worker(page);
  await click(scope);
  assert.deepEqual(page.orders, [{ tell: "open", room: "chat-5-12" }]);
});

for (const pages of [[], [new Page(null)], [new Page({ suited: 0 })], [new Page({ suited: "best" })]]) {
  test(`without a page for it, another is opened: ${JSON.stringify(pages.map(({ visibilityState }) => visibilityState))} ${pages.length}`, async () => {
    const scope = worker(...pages);
    await click(scope);
    assert.deepEqual(scope.opened, ["/?room=chat-5-12&notified="]);
  });
}

test("a click on what says no room opens the page", async () => {
  const scope = worker();
  await scope.push(null);
  await scope.fire("notificationclick", { notification: scope.shown[0] });
  assert.deepEqual(scope.opened, ["/"]);
});

test("a room's name cannot lead anywhere else", async () => {
  const scope = worker();
  await scope.push(comment(1, { room: "//evil.example/?as=eve&room=x" }));
  await scope.fire("notificationclick", { notification: scope.shown[0] });
  assert.deepEqual(scope.opened, ["/?room=%2F%2Fevil.example%2F%3Fas%3Deve%26room%3Dx&notified="]);
});

test("a subscription that the browser has ended is made anew, and pages tell the server", async () => {
  const page = new Page(null);
  const scope = worker(page);
  const options = { userVisibleOnly: true };
  await scope.fire("pushsubscriptionchange", { oldSubscription: { options } });
  assert.deepEqual([scope.subscriptions, page.orders], [[options], [{ tell: "renew" }]]);
  await scope.fire("pushsubscriptionchange", { oldSubscription: { options }, newSubscription: {} });
  await scope.fire("pushsubscriptionchange");
  assert.deepEqual([scope.subscriptions.length, page.orders.length], [1, 3]);
});

test("a new version serves at once", async () => {
  const scope = worker();
  /** @type {string[]} */
  const done = [];
  scope.skipWaiting = async () => void done.push("skipWaiting");
  scope.clients.claim = async () => void done.push("claim");
  await scope.fire("install");
  await scope.fire("activate");
  assert.deepEqual(done, ["skipWaiting", "claim"]);
});
