import { Connection } from "./connection.js";
import { Emitter } from "./emitter.js";
import { Http } from "./http.js";
import { MemoryShelf, Outbox } from "./outbox.js";
import { here } from "./platform.js";
import { Renewal } from "./renewal.js";
import { Room } from "./room.js";
import { Tokens } from "./tokens.js";

/**
 * @import { Frame, Shelf, User } from "./types.js"
 * @import { Standing } from "./connection.js"
 * @import { Platform } from "./platform.js"
 */

// A socket that has been silent for longer is asked for a sign of life when the person returns to the page.
const SILENT_MS = 30_000;

/**
 * One person's connection to a Parley server.
 *
 *     const parley = new Parley({ url: location.origin, user, token: fetchToken, storage: localStorage });
 *     const room = parley.room("chat-5-12");
 *     room.on("change", () => show(room.items));
 *     room.subscribe();
 *     room.post("Hello");
 *
 * `state`: the connection's standing has changed. `error`: something went wrong that is being dealt with.
 * @extends {Emitter<{state: Standing, error: unknown}>}
 */
export class Parley extends Emitter {
  user;
  #platform;
  #connection;
  #parts;
  /** @type {Map<string, Room>} */
  #rooms = new Map();
  #connected = false;
  #unwatch;

  /**
   * @param {object} options
   * @param {string} options.url  of the server: `https://chat.example`
   * @param {User} options.user  who is at this screen: the one that the token names
   * @param {string | (() => Promise<string>)} options.token  asked for at each connect, after a 401, and when
   *   it is about to expire: from a minute before, the function gives a new one
   * @param {Shelf} [options.storage]  such as localStorage: keeps what is not sent yet over a reload
   * @param {Platform} [platform]
   */
  constructor({ url, user, token, storage = new MemoryShelf() }, platform = here()) {
    super();
    const base = url.replace(/\/+$/, "");
    const tokens = new Tokens(token);
    const outbox = new Outbox(storage, `${base}:${user.id}`, (error) => this.emit("error", error));
    const connection = new Connection(`${base.replace(/^http/, "ws")}/v1/ws`, tokens, platform);
    this.user = user;
    this.#platform = platform;
    this.#connection = connection;
    this.#parts = { connection, http: new Http(base, tokens, platform), outbox, platform, user };
    new Renewal(connection, tokens, platform);
    connection.on("standing", (standing) => this.#standing(standing));
    connection.on("frame", (frame) => this.#frame(frame));
    connection.on("error", (error) => this.emit("error", error));
    this.#unwatch = platform.watch((news) => this.#news(news));
  }

  /** @returns {Standing} */
  get standing() {
    return this.#connection.standing;
  }

  /** Connect, or do not wait for the next attempt. */
  connect() {
    this.#connection.open();
  }

  /** For good. What is not sent yet stays in the storage. */
  close() {
    this.#unwatch();
    for (const room of this.#rooms.values()) room.unsubscribe();
    this.#connection.close();
  }

  /** @param {string} name @returns {Room} the same one each time; connects when needed */
  room(name) {
    const room = this.#rooms.get(name) ?? new Room(name, this.#parts);
    this.#rooms.set(name, room);
    if (this.standing.state === "idle") this.connect();
    return room;
  }

  /** @param {Standing} standing */
  #standing(standing) {
    const connected = standing.state === "connected";
    if (connected !== this.#connected) for (const room of this.#rooms.values()) room.connection(connected);
    this.#connected = connected;
    this.emit("state", standing);
  }

  /** @param {Frame} frame */
  #frame(frame) {
    if (frame.room !== undefined) this.#rooms.get(frame.room)?.receive(frame);
  }

  /** @param {"online" | "offline" | "visible"} news */
  #news(news) {
    const { state, planned } = this.standing;
    if (news === "offline") return this.#connection.drop("offline");
    if (state === "waiting" && !planned) return this.connect();
    const silent = this.#platform.now() - this.#connection.heard > SILENT_MS;
    if (state === "connected" && silent) for (const room of this.#rooms.values()) room.refresh();
  }
}
