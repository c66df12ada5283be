/**
 * The native protocol, version 1: one JSON object per frame. No socket and no clock here.
 * @import { Frame, Position } from "./types.js"
 */

// RFC 6455 codes which say that what we sent is at fault: sending it again would end the same way.
const OUR_FAULT = new Set([1002, 1003, 1007, 1008, 1009, 1010]);
const FIRST_FINAL = 4500;

/** @param {number} id @param {string} token */
export const connect = (id, token) => JSON.stringify({ id, type: "connect", token });

/** @param {number} id @param {string} token */
export const refresh = (id, token) => JSON.stringify({ id, type: "refresh", token });

/** @param {number} id @param {string} room @param {Position} [since] */
export const subscribe = (id, room, since) => JSON.stringify({ id, type: "subscribe", room, since });

/** @param {number} id @param {string} room */
export const unsubscribe = (id, room) => JSON.stringify({ id, type: "unsubscribe", room });

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
