import { paint } from "./avatar.js";
import { find, make } from "./dom.js";
import { pieces } from "./mentions.js";
import { sign } from "./ticks.js";

/**
 * @import { Item } from "/js/types.js"
 * @import { Heading, Message } from "./view.js"
 */

/** @param {Heading | Message} row @param {HTMLTemplateElement} template  of a message @returns {HTMLElement} still empty */
export function create(row, template) {
  if (row.kind !== "message") return make(row.kind === "day" ? "h2" : "h3", row.kind, make("span", "", row.label));
  const element = /** @type {HTMLElement} */ (find(template.content, ".message").cloneNode(true));
  element.dataset.key = row.key;
  const { author, authorName, authorAvatar } = row.item;
  paint(find(element, ".avatar"), { id: author, name: authorName, avatar: authorAvatar });
  return element;
}

const WORDS = /** @type {const} */ (["body", "deleted", "mentions"]);
const FIELDS = /** @type {const} */ ([...WORDS, "id", "authorName", "edited", "status", "error"]);

/** @param {Heading | Message} a @param {Heading | Message} b */
export function same(a, b) {
  if (a.kind !== "message" || b.kind !== "message") return a.kind === b.kind && "label" in a && "label" in b && a.label === b.label;
  const shape = a.first === b.first && a.last === b.last && a.time === b.time && a.dot === b.dot;
  return shape && sign(a.item).label === sign(b.item).label && FIELDS.every((field) => a.item[field] === b.item[field]);
}

/**
 * @param {HTMLElement} element
 * @param {Heading | Message} row
 * @param {Heading | Message | undefined} before  what was in it
 * @param {string} me
 */
export function fill(element, row, before, me) {
  if (row.kind !== "message") return find(element, "span").replaceChildren(row.label);
  const { item, first, last } = row;
  toggle(element, { own: item.own, first, last, deleted: item.deleted, failed: item.status === "FAILED" });
  find(element, ".author").textContent = item.own ? "You" : item.authorName;
  if (reworded(before, item)) find(element, ".text").replaceChildren(...(item.deleted ? ["Message deleted"] : text(item, me)));
  find(element, ".edited").hidden = !item.edited;
  find(element, ".actions").hidden = !item.own || item.id === null || item.deleted;
  fillDot(find(element, ".dot"), row);
  fillTime(find(element, "time"), row);
  fillStatus(element, item);
  end(element).dataset.offset = String(item.offset ?? 0);
}

/** The last line of a message: whoever sees it has seen the message. @param {HTMLElement} element */
export const end = (element) => find(element, ".meta");

/** What has not changed must not be put there anew: it would be read aloud again. @param {Heading | Message | undefined} before @param {Item} item */
const reworded = (before, item) => before?.kind !== "message" || WORDS.some((field) => before.item[field] !== item[field]);

/** @param {Item} item @param {string} me @returns {(Node | string)[]} */
const text = ({ body, mentions }, me) =>
  pieces(body, mentions, me).map(({ text, mention }) => (mention ? make("span", mention === "me" ? "mention called" : "mention", text) : text));

/** @param {HTMLElement} dot @param {Message} row */
function fillDot(dot, { dot: state, item }) {
  dot.className = `dot ${state}`;
  dot.hidden = state === "away";
  dot.title = `${item.authorName} is ${state === "idle" ? "idle" : "here"}`;
}

/** @param {HTMLTimeElement} time @param {Message} row */
function fillTime(time, row) {
  time.dateTime = row.item.createdAt;
  time.textContent = row.time;
  time.title = row.full;
}

/** @param {HTMLElement} element @param {Item} item */
function fillStatus(element, item) {
  const place = find(element, ".status");
  const { icon, read, label } = sign(item);
  place.hidden = !item.own || item.deleted;
  place.title = label;
  toggle(place, { read });
  find(place, ".icon").className = `icon ${icon}`;
  find(place, ".sr-only").textContent = label;
  find(element, ".failure").hidden = item.status !== "FAILED";
  find(element, ".reason").textContent = `Not sent. ${item.error ?? ""}`;
}

/** @param {HTMLElement} element @param {Record<string, boolean>} classes */
function toggle(element, classes) {
  for (const [name, on] of Object.entries(classes)) element.classList.toggle(name, on);
}
