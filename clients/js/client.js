import { Activity } from "./activity.js";
import { Connection } from "./connection.js";
import { device } from "./device.js";
import { Emitter } from "./emitter.js";
import { Http } from "./http.js";
import { Notifications } from "./notifications.js";
import { MemoryShelf, Outbox } from "./outbox.js";
import { Pace } from "./pace.js";
import { here } from "./platform.js";
import { Renewal } from "./renewal.js";
import { Room } from "./room.js";
import { Tokens } from "./tokens.js";
import { Unread } from "./unread.js";

/**
 * @import { Activity as Word, Frame, RoomUnread, Shelf, User } from "./types.js"
 * @import { Standing } from "./connection.js"
 * @import { News, Platform } from "./platform.js"
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
 * `state`: the connection's standing has changed. `unread`: what is not read has; it comes after `watchUnread`.
 * `error`: something went wrong that is being dealt with.
 * @extends {Emitter<{state: Standing, unread: ReadonlyMap<string, RoomUnread>, error: unknown}>}
 */
export class Parley extends Emitter {
  user;
  /** What reaches this person while no page is open. */
  notifications;
  #platform;
  #connection;
  #activity;
  #unread;
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
   * @param {Shelf} [options.storage]  such as localStorage: keeps what is not sent yet over a reload, and the device's name
   * @param {number | null} [options.idleAfter]  seconds without input after which this person counts as idle, as they
   *   do while the page is hidden; null: only what `activity` says counts
   * @param {Platform} [platform]
   */
  constructor({ url, user, token, storage = new MemoryShelf(), idleAfter = 300 }, platform = here()) {
    super();
    const base = url.replace(/\/+$/, "");
    const tokens = new Tokens(token);
    const outbox = new Outbox(storage, `${base}:${user.id}`, (error) => this.emit("error", error));
    const name = device(storage, platform.uuid);
    const connection = new Connection(`${base.replace(/^http/, "ws")}/v1/ws`, tokens, name, platform);
    const http = new Http(base, tokens, platform);
    this.user = user;
    this.notifications = new Notifications(http, name);
    this.#platform = platform;
    this.#connection = connection;
    const told = { connection, pace: new Pace(), platform };
    this.#activity = new Activity(told, idleAfter);
    this.#unread = new Unread(told);
    this.#parts = { ...told, http, outbox, unread: this.#unread, user };
    new Renewal(connection, tokens, platform);
    connection.on("standing", (standing) => this.#standing(standing));
    connection.on("frame", (frame) => this.#frame(frame));
    connection.on("error", (error) => this.emit("error", error));
    this.#unread.on("change", (told) => this.#changed(told));
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
    this.#activity.stop();
    for (const room of this.#rooms.values()) room.unsubscribe();
    this.#connection.close();
  }

  /** Say whether this person is active at this device. @param {Word} word */
  activity(word) {
    this.#activity.say(word);
  }

  /**
   * @returns {ReadonlyMap<string, RoomUnread>} by room, those of which this person is a member; empty until the
   *   server has answered `watchUnread`
   */
  get unread() {
    return this.#unread.rooms;
  }

  /** Have the server tell what this person has not read, in all their rooms, from now on. */
  watchUnread() {
    this.#unread.watch();
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
    if (connected !== this.#connected) this.#turn(connected);
    this.#connected = connected;
    this.emit("state", standing);
  }

  /** @param {boolean} connected */
  #turn(connected) {
    for (const room of this.#rooms.values()) room.connection(connected);
    this.#activity.anew();
    this.#unread.anew();
  }

  /** @param {readonly RoomUnread[]} told  by the server */
  #changed(told) {
    for (const { room, read } of told) this.#rooms.get(room)?.seen(read);
    this.emit("unread", this.unread);
  }

  /** @param {Frame} frame */
  #frame(frame) {
    if (frame.type === "unread") this.#unread.receive(frame);
    if (frame.room !== undefined) this.#rooms.get(frame.room)?.receive(frame);
  }

  /** @param {News} news */
  #news(news) {
    const { state, planned } = this.standing;
    if (news === "leaving") return this.#parts.pace.hurry();
    if (news === "offline") return this.#connection.drop("offline");
    if (state === "waiting" && !planned) return this.connect();
    const silent = this.#platform.now() - this.#connection.heard > SILENT_MS;
    if (state === "connected" && silent) for (const room of this.#rooms.values()) room.refresh();
  }
}
