import { create, end, fill, same } from "./message.js";

/**
 * @import { Item } from "/js/types.js"
 * @import { Reading } from "./reading.js"
 * @import { Heading, Message } from "./view.js"
 * @typedef {{element: HTMLElement, row: Heading | Message}} Shown
 */

/** Keeps the elements in step with the rows: one element per key, touched only when its row has changed. */
export class Messages {
  /** @type {Map<string, Shown>} */
  #shown = new Map();
  #place;
  #template;
  #me;
  #reading;

  /**
   * @param {HTMLElement} place
   * @param {HTMLTemplateElement} template
   * @param {{me: string, reading: Reading, act: (action: string, item: Item) => void}} options
   */
  constructor(place, template, { me, reading, act }) {
    this.#place = place;
    this.#template = template;
    this.#me = me;
    this.#reading = reading;
    place.onclick = ({ target }) => {
      const button = target instanceof Element ? target.closest("[data-action]") : null;
      const key = /** @type {HTMLElement | null} */ (button?.closest("[data-key]") ?? null)?.dataset.key ?? "";
      const row = this.#shown.get(key)?.row;
      if (button && row?.kind === "message") act(button.getAttribute("data-action") ?? "", row.item);
    };
  }

  /** @param {(Heading | Message)[]} rows */
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
    for (const [key, { element, row }] of this.#shown) {
      if (keep.has(key)) continue;
      if (row.kind === "message") this.#reading.forget(end(element));
      element.remove();
      this.#shown.delete(key);
    }
  }

  /** @param {Heading | Message} row */
  #element(row) {
    const before = this.#shown.get(row.key);
    const element = before?.element ?? create(row, this.#template);
    if (!before || !same(before.row, row)) fill(element, row, before?.row, this.#me);
    if (!before && row.kind === "message" && !row.item.own) this.#reading.watch(end(element));
    this.#shown.set(row.key, { element, row });
    return element;
  }
}
