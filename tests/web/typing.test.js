import assert from "node:assert/strict";
import { test } from "node:test";

import { aloud, typing } from "../../web/typing.js";

/** @param {...string} names */
const said = (...names) => typing(names.map((name) => ({ user: name.toLowerCase(), name })));

test("whoever is typing is named, and of many the first two", () => {
  assert.deepEqual([said(), said("Ada"), said("Ada", "Grace")], ["", "Ada is typing…", "Ada, Grace are typing…"]);
  assert.equal(said("Ada", "Grace", "Alan"), "Ada, Grace, Alan are typing…");
  assert.equal(said("Ada", "Grace", "Alan", "Edsger", "Barbara"), "Ada, Grace and 3 others are typing…");
});

test("a screen reader hears that somebody begins, and not the same again and again", () => {
  const first = aloud("", "Ada is typing…", null, 1000);
  assert.equal(first?.text, "Ada is typing…");
  assert.equal(aloud("Ada is typing…", "Ada, Grace are typing…", first, 2000), null);
  assert.equal(aloud("Ada is typing…", "", first, 3000), null);
  assert.equal(aloud("", "Ada is typing…", first, 9000), null);
  assert.equal(aloud("", "Grace is typing…", first, 9000)?.text, "Grace is typing…");
  assert.equal(aloud("", "Ada is typing…", first, 60_000)?.text, "Ada is typing…");
});
