/**
 * Everything the SDK takes from where it runs: sockets, time, chance, and news about the network and the person.
 *
 * @import { Sign } from "./attention.js"
 *
 * @typedef {"online" | "offline" | "visible" | "leaving"} News
 *
 * @typedef {object} Platform
 * @property {(url: string) => Socket} socket
 * @property {(url: string, options: RequestInit) => Promise<Response>} fetch
 * @property {(work: () => void, ms: number) => unknown} after
 * @property {(timer: any) => void} cancel
 * @property {() => number} now  milliseconds since 1970
 * @property {() => number} random  in [0, 1)
 * @property {() => string} uuid
 * @property {(listener: (news: News) => void) => () => void} watch
 *   leaving: the page goes out of sight, perhaps for good; returns how to stop
 * @property {(listener: (sign: Sign) => void) => () => void} attend  the first sign comes at once, if there are any; returns how to stop
 *
 * @typedef {object} Socket  the part of WebSocket that is used
 * @property {(data: string) => void} send
 * @property {(code?: number) => void} close
 * @property {((event: any) => void) | null} onopen
 * @property {((event: any) => void) | null} onmessage
 * @property {((event: any) => void) | null} onclose
 */

// A server that does not answer an HTTP request in this time is as good as away.
const HTTP_TIMEOUT_MS = 10_000;
const INPUT = ["pointerdown", "pointermove", "keydown", "wheel", "touchmove"];

/** @returns {Platform} the browser, or Node */
export function here() {
  return {
    socket: (url) => /** @type {Socket} */ (new WebSocket(url)),
    fetch: (url, options) => fetch(url, { ...options, signal: AbortSignal.timeout(HTTP_TIMEOUT_MS) }),
    after: (work, ms) => setTimeout(work, ms),
    cancel: (timer) => clearTimeout(timer),
    now: () => Date.now(),
    random: () => Math.random(),
    uuid,
    watch,
    attend,
  };
}

/** `crypto.randomUUID` exists on https and localhost only; this makes the same (RFC 9562, version 4) anywhere. */
function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** @type {Platform["watch"]} */
function watch(listener) {
  if (typeof document === "undefined") return () => {};
  const ending = new AbortController();
  const { signal } = ending;
  addEventListener("online", () => listener("online"), { signal });
  addEventListener("offline", () => listener("offline"), { signal });
  addEventListener("pageshow", (event) => event.persisted && listener("visible"), { signal });
  addEventListener("pagehide", () => listener("leaving"), { signal });
  document.addEventListener("visibilitychange", () => listener(document.visibilityState === "visible" ? "visible" : "leaving"), { signal });
  return () => ending.abort();
}

/** @type {Platform["attend"]} */
function attend(listener) {
  if (typeof document === "undefined") return () => {};
  const ending = new AbortController();
  const options = { signal: ending.signal, passive: true, capture: true };
  const look = () => listener(document.visibilityState === "hidden" ? "hidden" : "visible");
  for (const type of INPUT) addEventListener(type, () => listener("input"), options);
  document.addEventListener("visibilitychange", look, options);
  look();
  return () => ending.abort();
}
