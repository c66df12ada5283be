/**
 * @import { Item } from "/js/types.js"
 * @typedef {{icon: "clock" | "alert" | "check" | "checks", read: boolean, label: string}} Sign
 */

/** The sign beside an own message, and what it says to who cannot see it. @param {Pick<Item, "status" | "others" | "deliveredTo" | "readBy">} item @returns {Sign} */
export function sign({ status, others, deliveredTo, readBy }) {
  if (status === "SENDING") return { icon: "clock", read: false, label: "Sending" };
  if (status === "FAILED") return { icon: "alert", read: false, label: "Not sent" };
  const [all, delivered, read] = [others ?? 1, deliveredTo ?? 0, readBy ?? 0];
  if (status === "SENT") return { icon: "check", read: false, label: delivered > 0 ? toSome(all, delivered, read) : "Sent" };
  if (status === "READ") return { icon: "checks", read: true, label: all > 1 ? "Read by everyone" : "Read" };
  return { icon: "checks", read: false, label: all > 1 ? toAll(all, read) : "Delivered" };
}

/** @param {number} all @param {number} delivered @param {number} read */
const toSome = (all, delivered, read) => `Delivered to ${delivered} of ${all}${read > 0 ? `, read by ${read}` : ""}`;

/** @param {number} all @param {number} read */
const toAll = (all, read) => `Delivered to everyone${read > 0 ? `, read by ${read} of ${all}` : ""}`;
