import { byId } from "./dom.js";
import { judge } from "./limits.js";

/** @import { Item } from "/js/types.js" */

/** The field at the bottom: writes a new message, or changes an own one. */
export class Composer {
  #text = /** @type {HTMLTextAreaElement} */ (byId("text"));
  #send = /** @type {HTMLButtonElement} */ (byId("send"));
  #hooks;
  /** @type {Item | null} */
  #editing = null;
  /** What was being written when the editing began. */
  #draft = "";

  /**
   * @param {string} room
   * @param {{post: (body: string) => void, edit: (item: Item, body: string) => void, last: () => Item | undefined, typed: () => void}} hooks
   *   last: the own message that the up arrow edits; typed: a new message is being written
   */
  constructor(room, hooks) {
    this.#hooks = hooks;
    this.#text.placeholder = `Message ${room}`;
    this.#text.oninput = () => this.#typed();
    this.#text.onkeydown = (event) => this.#key(event);
    byId("editing-cancel").onclick = () => this.cancel();
    byId("composer").onsubmit = (event) => {
      event.preventDefault();
      this.#submit();
    };
    this.#changed();
  }

  focus() {
    this.#text.focus();
  }

  /** @param {Item} item */
  edit(item) {
    if (!this.#editing) this.#draft = this.#text.value;
    this.#editing = item;
    this.#write(item.body);
    this.focus();
  }

  cancel() {
    if (!this.#editing) return;
    this.#editing = null;
    this.#write(this.#draft);
    this.focus();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.isComposing) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.#submit();
    }
    if (event.key === "Escape") this.cancel();
    const last = event.key === "ArrowUp" && this.#text.value === "" ? this.#hooks.last() : undefined;
    if (last) {
      event.preventDefault();
      this.edit(last);
    }
  }

  #submit() {
    const body = this.#text.value.trim();
    if (!judge(body).sendable) return;
    const item = this.#editing;
    this.#editing = null;
    this.#write(item ? this.#draft : "");
    this.focus();
    if (!item) this.#hooks.post(body);
    else if (body !== item.body) this.#hooks.edit(item, body);
  }

  /** @param {string} text */
  #write(text) {
    this.#text.value = text;
    this.#changed();
  }

  #typed() {
    if (!this.#editing && this.#text.value.trim() !== "") this.#hooks.typed();
    this.#changed();
  }

  #changed() {
    const { sendable, counter, over } = judge(this.#text.value);
    this.#send.disabled = !sendable;
    this.#send.ariaLabel = this.#editing ? "Save" : "Send";
    byId("counter").textContent = counter;
    byId("counter").classList.toggle("over", over);
    this.#text.ariaInvalid = String(over);
    byId("editing").hidden = !this.#editing;
    this.#grow();
  }

  #grow() {
    this.#text.style.height = "auto";
    this.#text.style.height = `${this.#text.scrollHeight}px`;
  }
}
