// Lets the focus stay where it was while what has it is drawn anew.

/** Pass the focus from an element to the one that takes its place: to the same control, else to the one that came instead of it, else to the whole. */
export function passFocus(former, element) {
  const known = new Set([...former.querySelectorAll("button")].map(nameOf));
  const focused = nameOf(document.activeElement);
  queueMicrotask(() => {
    const controls = [...element.querySelectorAll("a, button:not(:disabled)")];
    const next = controls.find((one) => nameOf(one) === focused) ?? controls.find((one) => !known.has(nameOf(one)) && one.dataset.action) ?? element;
    if (next === element) element.tabIndex = -1;
    next.focus({ preventScroll: true });
  });
}

/** What tells a control from others, before and after. */
const nameOf = ({ href, dataset }) => JSON.stringify([href, dataset.block, dataset.action]);
