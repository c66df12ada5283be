export { Parley } from "./client.js";
export { Room } from "./room.js";
export { Notifications } from "./notifications.js";
export { ParleyError } from "./errors.js";
export { MemoryShelf } from "./outbox.js";
