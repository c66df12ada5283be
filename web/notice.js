import { byId } from "./dom.js";

/** @import { ParleyError } from "/js/index.js" */

/** @param {string} text */
export function complain(text) {
  byId("notice-text").textContent = text;
  byId("notice").hidden = false;
}

/** @param {string} what  it means that it failed @param {Promise<void>} work @returns {Promise<boolean>} it worked */
export async function attempt(what, work) {
  try {
    await work;
    return true;
  } catch (error) {
    const { status, message } = /** @type {ParleyError} */ (error);
    complain(`${what} ${status === 0 ? "You seem to be offline: try again when you are back." : message}`);
    return false;
  }
}

/** @returns {Promise<boolean>} */
export function confirmed() {
  const dialog = /** @type {HTMLDialogElement} */ (byId("confirm"));
  byId("confirm-yes").onclick = () => dialog.close("yes");
  byId("confirm-no").onclick = () => dialog.close("no");
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => (dialog.onclose = () => resolve(dialog.returnValue === "yes")));
}
