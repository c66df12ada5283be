/**
 * The shapes on the wire and in the view. Fields that this version does not know are carried along.
 *
 * @import { Connection } from "./connection.js"
 * @import { ParleyError } from "./errors.js"
 * @import { Http } from "./http.js"
 * @import { Outbox } from "./outbox.js"
 * @import { Pace } from "./pace.js"
 * @import { Platform } from "./platform.js"
 * @import { RoomState } from "./sync.js"
 * @import { Unread } from "./unread.js"
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
 * @property {Mention[]} mentions
 * @property {string | null} clientId
 * @property {string} createdAt
 * @property {string | null} updatedAt
 * @property {string | null} deletedAt
 * @property {"SENT" | "DELIVERED" | "READ"} status  what has become of it at all other members
 * @property {string | null} deliveredAt  when the last of them had it; null in large rooms
 * @property {string | null} readAt
 *
 * @typedef {{comments: Comment[], next: string | null, epoch: string, head: number}} Page
 *   Comments by ascending offset, each at least as new as event `head`.
 *
 * @typedef {{user: string, start: number, end: number}} Mention  of a member in a body; in UTF-16 code units, as in a string
 *
 * @typedef {"SENDING" | "SENT" | "DELIVERED" | "READ" | "FAILED"} Status
 *   DELIVERED, READ: to and by every member but the author. Others' comments are SENT.
 *
 * @typedef {object} Pending
 * @property {string} clientId
 * @property {string} room
 * @property {string} body
 * @property {Meta} imageMeta
 * @property {Meta} videoMeta
 * @property {boolean} urgent  its pushes are not held back by quiet hours; only moderators may post it
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
 * @property {Mention[]} mentions  none until confirmed
 * @property {string} createdAt
 * @property {boolean} own
 * @property {boolean} edited
 * @property {boolean} deleted
 * @property {Status} status
 * @property {number | null} others  members beside the author; null, as the next two: not known, or not an own comment
 * @property {number | null} deliveredTo  how many of them have it
 * @property {number | null} readBy  how many of them have read it
 * @property {string | null} error
 *
 * @typedef {"active" | "idle"} Activity
 *
 * @typedef {{user: string, name: string | null, avatar: string | null, activity: Activity}} Person  who is here
 *
 * @typedef {{count: number, people: Person[] | null}} Presence  people: null in a large room
 *
 * @typedef {{connection: string, device: string | null, activity: Activity, since: string}} Device
 *
 * @typedef {Person & {here: boolean, devices: Device[], lastSeen: string | null}} Present  who was asked for, here or not
 *
 * @typedef {{user: string, name: string}} Typist
 *
 * @typedef {{name: string, user: string, data: any}} Signal
 *
 * @typedef {{user: string, delivered: number, read: number, newcomer?: boolean}} Mark
 *   How far a member is: everything up to these offsets was delivered to some device of theirs, and read. A newcomer has
 *   read nothing since they became a member, where `read` is: they are not counted for what was said before that.
 *
 * @typedef {object} Receipts
 * @property {number} members
 * @property {ReadonlyMap<string, Mark>} receipts  by user; of a large room not all
 * @property {Record<"delivered" | "read" | "newcomers", [number, number][]> | null} counts
 *   Of a large room: pairs of an offset and of how many members are there or further, the newest ones and the lowest; else
 *   null. Newcomers are in all three.
 *
 * @typedef {object} RoomUnread  what this person has not read of a room of which they are a member
 * @property {string} room
 * @property {number} head  offset of its newest event
 * @property {number} read  their read watermark
 * @property {number} unread  comments of others after it that still exist
 * @property {boolean} mentioned  one of them names this person
 *
 * @typedef {{user: string, name: string | null, avatar: string | null, joinedAt: string}} Member
 *
 * @typedef {{members: Member[], next: string | null}} MemberPage  next: `after` of the page that follows
 *
 * @typedef {"apns" | "fcm" | "webpush"} PushPlatform
 *
 * @typedef {{platform: "webpush", subscription: PushSubscriptionJSON} | {platform: "apns" | "fcm", token: string, app?: string}} PushAddress
 *   app: an APNs topic, if it is not the server's
 *
 * @typedef {{platforms: PushPlatform[], webPush: {publicKey: string} | null}} PushOffer
 *   What the server pushes to; publicKey: base64url, the `applicationServerKey` of a subscription.
 *
 * @typedef {{id: string, platform: PushPlatform} & Record<string, unknown>} RegisteredDevice  without its address
 *
 * @typedef {"all" | "mentions" | "none"} Level  of comments that are heard of
 *
 * @typedef {{level: Level | null, mutedUntil: string | null, preview: boolean | null}} RoomPreferences  null: as for all rooms
 *
 * @typedef {object} Preferences
 * @property {Level} level
 * @property {string | null} mutedUntil  of everything; for ever is the year 9999
 * @property {boolean} preview  whether a notification shows who wrote what
 * @property {string[]} mutedUsers
 * @property {{from: string, to: string, timeZone?: string | null} | null} quietHours  on the wall's clock, such as `22:00`
 * @property {Record<string, RoomPreferences>} rooms
 *
 * @typedef {{comment: string, room: string, offset: number, people: Record<string, any>[], next?: string | null}} NotifiedPage
 *
 * @typedef {object} RoomNews  what a room tells its listeners
 * @property {void} change  `items` is new
 * @property {RoomEvent} event  each durable event, in order, once
 * @property {Comment} comment  one was posted, by anyone
 * @property {Presence | null} presence  `presence` is new
 * @property {readonly Typist[]} typing  `typists` is new
 * @property {Signal} signal  somebody else has sent one
 * @property {Receipts | null} receipts  `receipts` is new, and `items` with it
 * @property {number} read  `readUpTo` is new
 * @property {RoomState} state
 * @property {void} resync  the server could not replay what was missed, so `items` was fetched afresh
 * @property {ParleyError} error  the server refuses the room; `subscribe` tries again
 *
 * @typedef {object} Parts  what the rooms of one person share
 * @property {Connection} connection
 * @property {Http} http
 * @property {Outbox} outbox
 * @property {Pace} pace
 * @property {Platform} platform
 * @property {Unread} unread
 * @property {User} user
 *
 * @typedef {{type: string, id?: number, room?: string} & Record<string, any>} Frame
 *
 * @typedef {Pick<Storage, "getItem" | "setItem" | "removeItem" | "key" | "length">} Shelf
 *   What is needed of `localStorage`.
 */

export {};
