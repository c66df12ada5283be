/**
 * @import { Comment, Mark, Receipts, Status } from "./types.js"
 *
 * @typedef {{others: number, deliveredTo: number, readBy: number}} Reach
 *   Of the members beside the author who count for a comment, to how many it was delivered, and how many have read it.
 */

/**
 * What the receipts of a room say about the comments of one of its members.
 * @param {Receipts} receipts
 * @param {Mark} author  how far they are themselves: they are counted among those who are as far
 * @returns {(offset: number) => Reach}
 */
export function audience({ members, receipts, counts }, author) {
  if (counts) return (offset) => counted(counts, members, author, offset);
  const others = [...receipts.values()].filter(({ user }) => user !== author.user);
  return (offset) => {
    const counting = others.filter(({ newcomer, read }) => !(newcomer && read >= offset));
    return {
      others: counting.length,
      deliveredTo: counting.filter(({ delivered }) => delivered >= offset).length,
      readBy: counting.filter(({ read }) => read >= offset).length,
    };
  };
}

/** @param {NonNullable<Receipts["counts"]>} counts @param {number} members @param {Mark} author @param {number} offset */
function counted({ delivered, read, newcomers }, members, author, offset) {
  const aside = Math.max(0, reached(newcomers ?? [], offset) - Number(author.newcomer === true && author.read >= offset));
  const others = Math.max(0, members - 1 - aside);
  const readBy = bounded(reached(read, offset) - Number(author.read >= offset) - aside, others);
  const deliveredTo = bounded(reached(delivered, offset) - Number(author.delivered >= offset) - aside, others);
  return { others, readBy, deliveredTo: Math.max(deliveredTo, readBy) };
}

/** @param {[number, number][]} steps @param {number} offset @returns {number} at least so many are there: only the newest steps and the lowest are told */
const reached = (steps, offset) => Math.max(0, ...steps.filter(([at]) => at >= offset).map(([, count]) => count));

/** @param {number} count @param {number} most */
const bounded = (count, most) => Math.min(Math.max(count, 0), most);

/**
 * What a comment's author is shown: what history has said of it, or what has come of it since. Who joins later holds
 * nothing back, and counts once they read. With nobody else who counts, it is sent.
 * @param {Comment} comment
 * @param {Reach | null} reach  null: not known, so what history has said counts
 * @returns {Status}
 */
export function status(comment, reach) {
  const said = comment.status ?? "SENT";
  if (!reach) return said;
  if (reach.others === 0) return "SENT";
  if (said === "READ" || reach.readBy === reach.others) return "READ";
  return reach.deliveredTo === reach.others ? "DELIVERED" : said;
}
