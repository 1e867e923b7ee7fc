// A button with three dots, which opens a list of actions.
// https://docs.slack.dev/reference/block-kit/block-elements/overflow-menu-element

import { h, newId, shown } from "../dom.js";
import { textObject } from "../slack/mrkdwn.js";

/** `send(reference)` tells the app of the option that is chosen. An element can have another `label` and `sign`. */
export function overflow(element, block, { names, send }) {
  const ref = { block: block.block_id, action: element.action_id };
  const list = h("ul.menu", { role: "menu", id: newId(), hidden: true }, element.options.map(({ text, value }) =>
    h("li", { role: "menuitem", tabindex: -1, "data-value": value }, textObject(text, names))));
  const opener = h("button.button", {
    type: "button",
    "aria-label": element.label ?? "More actions",
    "aria-haspopup": "menu",
    "aria-expanded": "false",
    "aria-controls": list.id,
    "data-block": ref.block,
    "data-action": ref.action,
  }, shown(element.sign ?? "⋯"));
  const items = [...list.children];
  const open = (isOpen) => {
    list.hidden = !isOpen;
    opener.setAttribute("aria-expanded", String(isOpen));
    (isOpen ? items[0] : opener).focus();
  };
  const choose = async (item) => {
    open(false);
    if (opener.ariaBusy === "true") return;
    opener.ariaBusy = "true"; // until the app has acknowledged it
    await send({ ...ref, choice: item.dataset.value });
    opener.ariaBusy = null;
  };
  const keys = {
    ArrowDown: (at) => items[(at + 1) % items.length].focus(),
    ArrowUp: (at) => items.at(at - 1).focus(),
    Enter: (at) => choose(items[at]),
    " ": (at) => choose(items[at]),
    Escape: () => open(false),
  };
  opener.addEventListener("click", () => open(list.hidden));
  for (const item of items) item.addEventListener("click", () => choose(item));
  list.addEventListener("keydown", (event) => {
    if (!Object.hasOwn(keys, event.key)) return;
    event.preventDefault();
    keys[event.key](items.indexOf(document.activeElement));
  });
  const node = h("span.overflow", {}, opener, list);
  node.addEventListener("focusout", ({ relatedTarget }) => {
    if (list.hidden || node.contains(relatedTarget)) return;
    list.hidden = true;
    opener.setAttribute("aria-expanded", "false");
  });
  return node;
}
