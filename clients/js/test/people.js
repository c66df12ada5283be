import { Parley } from "../client.js";
import { MemoryShelf } from "../outbox.js";

/**
 * @import { Room } from "../room.js"
 * @import { World } from "./world.js"
 *
 * @typedef {{resyncs: number, offsets: number[], states: string[], errors: Error[]}} Seen
 * @typedef {{id: string, parley: Parley, room: Room, platform: ReturnType<World["platform"]>, seen: Seen, storage: MemoryShelf}} Somebody
 */

export const MINUTE = 60_000;

/**
 * Somebody in the lobby, and what they see.
 * @param {World} world
 * @param {string} id
 * @param {{storage?: MemoryShelf, token?: string | (() => Promise<string>)}} [options]
 * @returns {Somebody}
 */
export function enter(world, id, { storage = new MemoryShelf(), token = "t" } = {}) {
  const platform = world.platform(id);
  const parley = new Parley({ url: "http://chat.example", user: { id, name: id }, token, storage }, platform);
  const room = parley.room("lobby");
  /** @type {Seen} */
  const seen = { resyncs: 0, offsets: [], states: [], errors: [] };
  room.on("event", (event) => void seen.offsets.push(event.offset));
  room.on("resync", () => void seen.resyncs++);
  room.on("error", (error) => void seen.errors.push(error));
  parley.on("state", ({ state }) => void seen.states.push(state));
  room.subscribe();
  return { id, parley, room, platform, seen, storage };
}

/** @param {World} world */
export const truth = (world) => [...world.log.comments.values()].map(({ id, body }) => `${id} ${body}`);

/** @param {import("../room.js").Room} room */
export const shown = (room) => room.items.map(({ id, body }) => `${id} ${body}`);

/** @param {MemoryShelf} storage */
export const unsent = (storage) => Array.from({ length: storage.length }, (_, index) => storage.key(index)).filter((key) => key?.startsWith("parley:outbox:"));
