/**
 * The native protocol, version 1: one JSON object per frame. No socket and no clock here.
 * @import { Activity, Frame, Position } from "./types.js"
 */

// RFC 6455 codes which say that what we sent is at fault: sending it again would end the same way.
const OUR_FAULT = new Set([1002, 1003, 1007, 1008, 1009, 1010]);
const FIRST_FINAL = 4500;

/** @param {number} id @param {string} token @param {string} device */
export const connect = (id, token, device) => JSON.stringify({ id, type: "connect", token, device });

/** @param {number} id @param {string} token */
export const refresh = (id, token) => JSON.stringify({ id, type: "refresh", token });

/** @param {number} id @param {string} room @param {Position} [since] */
export const subscribe = (id, room, since) => JSON.stringify({ id, type: "subscribe", room, since });

/** @param {number} id @param {string} room */
export const unsubscribe = (id, room) => JSON.stringify({ id, type: "unsubscribe", room });

/** @param {number} id @param {Activity} activity */
export const activity = (id, activity) => JSON.stringify({ id, type: "activity", activity });

/** @param {number} id @param {string} room @param {string[]} users */
export const presence = (id, room, users) => JSON.stringify({ id, type: "presence", room, users });

/** @param {number} id @param {string} room */
export const typing = (id, room) => JSON.stringify({ id, type: "typing", room });

/** @param {number} id @param {string} room @param {string} name @param {unknown} data */
export const signal = (id, room, name, data = null) => JSON.stringify({ id, type: "signal", room, name, data });

/** @param {number} id @param {"delivered" | "read"} kind @param {string} room @param {number} offset */
export const acknowledge = (id, kind, room, offset) => JSON.stringify({ id, type: kind, room, offset });

/** @param {number} id */
export const unread = (id) => JSON.stringify({ id, type: "unread" });

/**
 * @param {unknown} text
 * @returns {Frame | null} null for what is not a frame of this protocol
 */
export function parse(text) {
  if (typeof text !== "string") return null;
  try {
    const frame = JSON.parse(text);
    return typeof frame?.type === "string" ? frame : null;
  } catch {
    return null;
  }
}

/**
 * Whether to come back after a close with this code. 4000–4499: come back and resume; 4500–4999: stay away.
 * @param {number} code
 */
export const mayReturn = (code) => code < FIRST_FINAL && !OUR_FAULT.has(code);
