import assert from "node:assert/strict";
import { test } from "node:test";

import { Parley } from "../client.js";
import { ParleyError } from "../errors.js";
import { MemoryShelf } from "../outbox.js";
import { chance } from "./chance.js";
import { World, problem } from "./world.js";

const SUBSCRIPTION = { endpoint: "https://push.example/1", keys: { p256dh: "p", auth: "a" } };

/** A server that answers with what it was asked. @param {{storage?: MemoryShelf, answer?: () => Response}} [options] */
function asked({ storage = new MemoryShelf(), answer } = {}) {
  const platform = new World(chance(1)).platform("ada");
  platform.fetch = async (url, { method, body }) =>
    answer?.() ?? Response.json({ method, url: url.replace("http://chat.example", ""), body: body && JSON.parse(String(body)) });
  const parley = new Parley({ url: "http://chat.example", user: { id: "ada", name: "Ada" }, token: "t", storage }, platform);
  return /** @type {any} */ (parley.notifications);
}

test("a browser is registered under the name it always has, in its language and time zone", async () => {
  const storage = new MemoryShelf();
  const notifications = asked({ storage });
  const { method, url, body } = await notifications.register({ platform: "webpush", subscription: SUBSCRIPTION });
  const { locale, timeZone } = Intl.DateTimeFormat().resolvedOptions();
  assert.deepEqual([method, url], ["PUT", `/v1/devices/${storage.getItem("parley:device")}`]);
  assert.deepEqual(body, { platform: "webpush", subscription: SUBSCRIPTION, locale, timeZone });
  assert.equal(asked({ storage }).device, notifications.device);
});

test("an app can say its language and time zone itself", async () => {
  const { body } = await asked().register({ platform: "apns", token: "x", app: "org.chat" }, { locale: "de", timeZone: "Europe/Berlin" });
  assert.deepEqual(body, { platform: "apns", token: "x", app: "org.chat", locale: "de", timeZone: "Europe/Berlin" });
});

test("a device is given up, and the empty answer is no error", async () => {
  assert.equal(await asked({ answer: () => new Response(null, { status: 204 }) }).unregister(), undefined);
});

/** @type {[string, (notifications: any) => Promise<any>, string, string, unknown][]} */
const REQUESTS = [
  ["what the server can push is asked", (it) => it.offer(), "GET", "/v1/push", undefined],
  ["one's devices are asked", (it) => it.devices(), "GET", "/v1/devices", undefined],
  ["preferences are asked", (it) => it.preferences(), "GET", "/v1/preferences", undefined],
  ["preferences are changed", (it) => it.prefer({ level: "mentions" }), "PUT", "/v1/preferences", { level: "mentions" }],
  ["a room is muted for ever", (it) => it.mute("chat-5-12"), "POST", "/v1/rooms/chat-5-12/mute", {}],
  ["a room is muted for an hour", (it) => it.mute("a/b", { seconds: 3600 }), "POST", "/v1/rooms/a%2Fb/mute", { seconds: 3600 }],
  ["a room is heard again", (it) => it.unmute("chat-5-12"), "POST", "/v1/rooms/chat-5-12/mute", { until: null }],
  ["it is explained who was notified", (it) => it.explain("c1"), "GET", "/v1/comments/c1/notifications", undefined],
  ["or only of one person", (it) => it.explain("c1", { user: "a b", limit: 1 }), "GET", "/v1/comments/c1/notifications?user=a+b&limit=1", undefined],
];

for (const [what, ask, method, url, body] of REQUESTS) {
  test(what, async () => assert.deepEqual(await ask(asked()), { method, url, ...(body === undefined ? {} : { body }) }));
}

test("what is refused is a ParleyError", async () => {
  const refused = asked({ answer: () => problem(422) }).mute("chat-5-12");
  await assert.rejects(refused, (error) => error instanceof ParleyError && error.status === 422 && error.code === "fault");
});
