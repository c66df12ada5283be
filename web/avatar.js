import { initials, tint } from "./view.js";

/**
 * Initials on the person's colour, or the picture if there is one.
 * @param {HTMLElement} element
 * @param {{id: string, name: string, avatar?: string | null}} person
 */
export function paint(element, { id, name, avatar }) {
  element.classList.add(`tint-${tint(id)}`);
  element.replaceChildren(initials(name));
  if (avatar?.startsWith("https:")) element.append(picture(avatar));
}

/** @param {string} url */
function picture(url) {
  const image = document.createElement("img");
  image.alt = "";
  image.referrerPolicy = "no-referrer";
  image.onerror = () => image.remove();
  image.src = url;
  return image;
}
