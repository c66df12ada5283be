import { paint } from "./avatar.js";
import { find, make } from "./dom.js";
import { status } from "./view.js";

/**
 * @import { Item } from "/js/types.js"
 * @import { Day, Message } from "./view.js"
 * @typedef {{element: HTMLElement, row: Day | Message}} Shown
 */

/** Keeps the elements in step with the rows: one element per key, touched only when its row has changed. */
export class Messages {
  /** @type {Map<string, Shown>} */
  #shown = new Map();
  #place;
  #template;

  /**
   * @param {HTMLElement} place
   * @param {HTMLTemplateElement} template
   * @param {(action: string, item: Item) => void} act
   */
  constructor(place, template, act) {
    this.#place = place;
    this.#template = template;
    place.onclick = ({ target }) => {
      const button = target instanceof Element ? target.closest("[data-action]") : null;
      const key = /** @type {HTMLElement | null} */ (button?.closest("[data-key]") ?? null)?.dataset.key ?? "";
      const row = this.#shown.get(key)?.row;
      if (button && row?.kind === "message") act(button.getAttribute("data-action") ?? "", row.item);
    };
  }

  /** @param {(Day | Message)[]} rows */
  show(rows) {
    this.#forget(new Set(rows.map(({ key }) => key)));
    let next = this.#place.firstElementChild;
    for (const row of rows) {
      const element = this.#element(row);
      if (element === next) next = next.nextElementSibling;
      else this.#place.insertBefore(element, next);
    }
  }

  /** @param {Set<string>} keep */
  #forget(keep) {
    for (const [key, { element }] of this.#shown) {
      if (keep.has(key)) continue;
      element.remove();
      this.#shown.delete(key);
    }
  }

  /** @param {Day | Message} row */
  #element(row) {
    const before = this.#shown.get(row.key);
    const element = before?.element ?? this.#create(row);
    if (!before || !same(before.row, row)) fill(element, row);
    this.#shown.set(row.key, { element, row });
    return element;
  }

  /** @param {Day | Message} row */
  #create(row) {
    if (row.kind === "day") return make("h2", "day", make("span", "", row.label));
    const element = /** @type {HTMLElement} */ (find(this.#template.content, ".message").cloneNode(true));
    element.dataset.key = row.key;
    const { author, authorName, authorAvatar } = row.item;
    paint(find(element, ".avatar"), { id: author, name: authorName, avatar: authorAvatar });
    return element;
  }
}

/** @param {Day | Message} a @param {Day | Message} b */
function same(a, b) {
  if (a.kind === "day" || b.kind === "day") return a.kind === "day" && b.kind === "day" && a.label === b.label;
  const fields = /** @type {const} */ (["id", "body", "authorName", "edited", "deleted", "status", "error"]);
  return a.first === b.first && a.last === b.last && a.time === b.time && fields.every((field) => a.item[field] === b.item[field]);
}

/** @param {HTMLElement} element @param {Day | Message} row */
function fill(element, row) {
  if (row.kind === "day") return find(element, "span").replaceChildren(row.label);
  const { item, first, last } = row;
  toggle(element, { own: item.own, first, last, deleted: item.deleted, failed: item.status === "FAILED" });
  find(element, ".author").textContent = item.own ? "You" : item.authorName;
  find(element, ".text").textContent = item.deleted ? "Message deleted" : item.body;
  find(element, ".edited").hidden = !item.edited;
  find(element, ".actions").hidden = !item.own || item.id === null || item.deleted;
  fillTime(find(element, "time"), row);
  fillStatus(element, item);
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
  const { icon, label } = status(item);
  place.hidden = !item.own || item.deleted;
  place.title = label;
  find(place, ".icon").className = `icon ${icon}`;
  find(place, ".sr-only").textContent = label;
  find(element, ".failure").hidden = item.status !== "FAILED";
  find(element, ".reason").textContent = `Not sent. ${item.error ?? ""}`;
}

/** @param {HTMLElement} element @param {Record<string, boolean>} classes */
function toggle(element, classes) {
  for (const [name, on] of Object.entries(classes)) element.classList.toggle(name, on);
}
