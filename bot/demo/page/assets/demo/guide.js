// The guide: eight steps to try, each with its check mark, and what to do for the first that is not done yet.

import { byId, h, setText, spoken } from "../dom.js";

const WIDE = matchMedia("(min-width: 1161px)"); // as in guide.css
const STEPS = {
  pause_by_button: ["Pause by button", "Press the red Pause in #alerts."],
  resume: ["Resume", "Press Resume and confirm. The agent goes on."],
  pause_by_command: ["Pause by command", "Press an agent's session id, then Enter."],
  pause_without_id: ["Pause without an id", "Send /anchor-pause, and press Pause in the list."],
  pause_from_message: ["Pause from a message", "Choose Pause Anchor agent in the ⋮ menu of bob's message."],
  act_as_outsider: ["Act as the outsider", "Choose mallory at the top, and press a button in #alerts."],
  take_anchor_down: ["Take Anchor down", "Switch “Down” on. As alice, pause or resume again."],
  raise_storm: ["Raise a storm", "Switch “Down” off, and press Raise a storm."],
};

export class Guide {
  #items = new Map(Object.entries(STEPS).map(([name, [label, advice]]) => [name, new Item(label, advice)]));
  #checked = null; // the names of those that are checked off; null before it is shown
  #reveal;

  /** `reveal(ts)` scrolls to a result, and says whether it is there. */
  constructor(reveal) {
    this.#reveal = reveal;
    byId("guide-steps").append(...[...this.#items.values()].map(({ element }) => element));
    const fit = () => (byId("guide").open = WIDE.matches);
    WIDE.addEventListener("change", fit);
    fit();
  }

  /** `steps` has the `ts` of the result of each, "" for a result of others, and null for none. A step is checked off when its result has been scrolled to. */
  show(steps) {
    const names = Object.keys(steps);
    if (!names.length) return;
    const isNew = (name) => this.#checked !== null && !this.#checked.has(name);
    const isDone = (name) => steps[name] !== null && (!isNew(name) || !steps[name] || this.#reveal(steps[name]));
    const checked = new Set(names.filter(isDone));
    const next = names.find((name) => !checked.has(name));
    for (const name of names) this.#items.get(name).show(checked.has(name), name === next);
    const goOn = next ? `Next: ${STEPS[next][0]}` : "All are done";
    setText(byId("guide-progress"), `${checked.size} of ${names.length} done`);
    setText(byId("guide-next"), goOn);
    byId("guide-end").hidden = Boolean(next);
    byId("first").hidden = checked.size > 0;
    if (this.#checked !== null && checked.size > this.#checked.size) setText(byId("guide-said"), `${checked.size} of ${names.length} steps done. ${goOn}.`);
    this.#checked = checked;
  }
}

class Item {
  #mark = h("span.mark", { "aria-hidden": "true" });
  #state = spoken("");
  #advice;

  constructor(label, advice) {
    this.#advice = h("p.advice", { hidden: true }, advice);
    this.element = h("li", {}, this.#mark, h("div", {}, h("p", {}, label, this.#state), this.#advice));
  }

  show(isDone, isNext) {
    setText(this.#mark, isDone ? "✓" : "");
    setText(this.#state, isDone ? ", done" : ", not done yet");
    this.element.classList.toggle("done", isDone);
    if (isNext) this.element.setAttribute("aria-current", "step");
    else this.element.removeAttribute("aria-current");
    this.#advice.hidden = !isNext;
  }
}
