/**
 * The shapes on the wire and in the view. Fields that this version does not know are carried along.
 *
 * @typedef {{epoch: string, offset: number}} Position
 *   Where a reader stands in a room. Offsets of another epoch mean nothing.
 *
 * @typedef {{id: string, name: string, avatar?: string | null}} User
 *
 * @typedef {Record<string, unknown> | null} Meta
 *
 * @typedef {{type: string, id: string, room: string, offset: number, at: string, actor: string} & Record<string, any>} RoomEvent
 *
 * @typedef {object} Comment
 * @property {string} id
 * @property {string} room
 * @property {number} offset  of the event that posted it
 * @property {string} author
 * @property {string} authorName
 * @property {string | null} authorAvatar
 * @property {string} body  empty once deleted
 * @property {Meta} imageMeta
 * @property {Meta} videoMeta
 * @property {string | null} clientId
 * @property {string} createdAt
 * @property {string | null} updatedAt
 * @property {string | null} deletedAt
 *
 * @typedef {{comments: Comment[], next: string | null, epoch: string, head: number}} Page
 *   Comments by ascending offset, each at least as new as event `head`.
 *
 * @typedef {"SENDING" | "SENT" | "FAILED"} Status
 *
 * @typedef {object} Pending
 * @property {string} clientId
 * @property {string} room
 * @property {string} body
 * @property {Meta} imageMeta
 * @property {Meta} videoMeta
 * @property {string} createdAt
 * @property {number} order  rises with each entry of one person
 * @property {"SENDING" | "FAILED"} status
 * @property {string | null} error  why it failed, for people
 *
 * @typedef {object} Item  one comment as the application shows it
 * @property {string} key  the same before and after an own comment is confirmed
 * @property {string | null} id  null until confirmed
 * @property {number | null} offset
 * @property {string | null} clientId
 * @property {string} author
 * @property {string} authorName
 * @property {string | null} authorAvatar
 * @property {string} body
 * @property {Meta} imageMeta
 * @property {Meta} videoMeta
 * @property {string} createdAt
 * @property {boolean} own
 * @property {boolean} edited
 * @property {boolean} deleted
 * @property {Status} status
 * @property {string | null} error
 *
 * @typedef {{type: string, id?: number, room?: string} & Record<string, any>} Frame
 *
 * @typedef {Pick<Storage, "getItem" | "setItem" | "removeItem" | "key" | "length">} Shelf
 *   What the outbox needs of `localStorage`.
 */

export {};
