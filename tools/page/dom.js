// Elements in one call each; no element is ever made from text.

/** The element of this id, which is there. */
export const byId = (id) => document.getElementById(id);

/** An element: `h("button", {class: "small", onclick: f, "aria-label": "Close"}, "text", child, null)`. */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value") element.value = value;
    else if (name === "colour" || name === "share") element.style.setProperty(`--${name}`, value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...present(children));
  return element;
}

/** Puts these children in the place of those that are there. */
export const fillWith = (element, ...children) => element.replaceChildren(...present(children));

/** The children that are there: null, undefined and false stand for none. */
const present = (children) => children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);

const SVG = "http://www.w3.org/2000/svg";

/** An element of a drawing, as `h` makes others. */
export function svg(tag, properties = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, String(value));
  }
  element.append(...present(children));
  return element;
}

/** A drawing from icon.svg; it says nothing, so its button needs words or a label. */
export function icon(name) {
  return svg("svg", { class: "icon", "aria-hidden": "true" }, svg("use", { href: `page/icon.svg#${name}` }));
}

/** Shows what happened for a few seconds; `kind` is "good", "bad" or "plain". A bad one stays until it is closed or replaced. */
export function toast(text, kind = "plain") {
  const box = byId("toasts");
  for (const old of [...box.children]) if (old.dataset.kind === "bad" || old.firstChild.textContent === text) old.remove();
  const note = h("div", { class: `toast ${kind}`, "data-kind": kind }, h("span", {}, text));
  note.append(h("button", { type: "button", class: "quiet", "aria-label": "Close this message", onclick: () => note.remove() }, "×"));
  box.append(note);
  while (box.children.length > 3) box.firstChild.remove();
  setTimeout(() => note.remove(), kind === "bad" ? 15000 : 4000);
}

/** Clears messages that something went wrong: what comes next went right. */
export function clearErrors() {
  for (const note of byId("toasts").querySelectorAll('[data-kind="bad"]')) note.remove();
}

/** "1 frame", "3 frames". */
export const count = (number, one, many = `${one}s`) => `${number.toLocaleString("en")} ${number === 1 ? one : many}`;

/** Minutes and seconds that a person reads at a glance. */
export function duration(seconds) {
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min ${Math.round(seconds % 60)} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
