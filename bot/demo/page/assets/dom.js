// Builds elements. Text goes in as text only: nothing on this page is ever parsed as HTML.

/** An element: `h("button.danger", { type: "button" }, "Pause")`. A property that is null, undefined or false is left out. */
export function h(name, properties = {}, ...children) {
  const [tag, ...classes] = name.split(".");
  const element = document.createElement(tag);
  if (classes.length) element.className = classes.join(" ");
  for (const [key, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** What leads elsewhere when it is pressed; the same without that where the address is none that may be followed. */
export const link = (name, url, ...children) =>
  isAddress(url) ? h(name, { href: url, target: "_blank", rel: "noopener noreferrer" }, children) : h("span", {}, children);

/** Whether a browser may follow an address: others, such as `javascript:`, could do anything. */
export const isAddress = (url) => /^(?:https?:|mailto:|tel:)/i.test(url ?? "");

/** Text for screen readers alone. */
export const spoken = (text) => h("span.sr-only", {}, text);

/** Text for the eye alone. */
export const shown = (text) => h("span", { "aria-hidden": "true" }, text);

let ids = 0;

/** An id that no other element has. */
export const newId = () => `part-${++ids}`;

export const byId = (id) => document.getElementById(id);

/** Set a text only where it changes, so that nothing is drawn or read again for nothing. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Make `list` hold exactly these elements in this order, moving as few as possible. */
export function arrange(list, elements) {
  const wanted = new Set(elements);
  for (const present of [...list.children]) if (!wanted.has(present)) present.remove();
  elements.forEach((element, place) => {
    if (list.children[place] !== element) list.insertBefore(element, list.children[place] ?? null);
  });
}
