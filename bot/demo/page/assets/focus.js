// Lets the focus stay where it was while what has it is redrawn or goes away.

import { byId } from "./dom.js";

/** Pass the focus from an element to the one that takes its place: to the same control, else to the one that came instead of it, else to the whole. */
export function passFocus(former, element) {
  const known = new Set([...former.querySelectorAll("button")].map(nameOf));
  const focused = nameOf(document.activeElement);
  queueMicrotask(() => {
    const controls = controlsIn(element);
    const next = controls.find((one) => nameOf(one) === focused) ?? controls.find((one) => !known.has(nameOf(one)) && one.dataset.action) ?? element;
    if (next === element) element.tabIndex = -1;
    next.focus({ preventScroll: true });
  });
}

/** Give the focus back to a control that may have been redrawn since: in a view to the one that does the same, else to what is to be read now. */
export function giveFocusBack(control) {
  if (control.isConnected && control.checkVisibility()) return control.focus();
  const place = ["modal-body", "home", "scroller"].map(byId).find((one) => one.checkVisibility());
  const { action } = control.dataset;
  // not in the list of messages, where the same button of another message is another thing
  const same = place.id !== "scroller" && action && controlsIn(place).find(({ dataset }) => dataset.action === action);
  (same || place).focus();
}

const controlsIn = (element) => [...element.querySelectorAll("a, button:not(:disabled), [data-action]:not(:disabled)")];

/** What tells a control from others, before and after. */
const nameOf = ({ href, dataset }) => JSON.stringify([href, dataset.block, dataset.action]);
