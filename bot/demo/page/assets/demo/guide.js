// The guide: five steps to try, each with its check mark, and what to do for the first that is not done yet.

import { byId, h, setText, spoken } from "../dom.js";

const WIDE = matchMedia("(min-width: 1161px)"); // as in guide.css
const STEPS = {
  pause_by_button: ["Pause by button", "Press the red Pause in #alerts."],
  resume: ["Resume", "Press Resume and confirm. The agent goes on."],
  pause_by_command: ["Pause by command", "Press an agent's session id, then Enter."],
  act_as_outsider: ["Act as the outsider", "Choose mallory at the top, and press a button in #alerts."],
  take_anchor_down: ["Take Anchor down", "Switch “Down” on. As alice, pause or resume again."],
};

export class Guide {
  #items = new Map(Object.entries(STEPS).map(([name, [label, advice]]) => [name, new Item(label, advice)]));
  #done = null; // how many were done when it was shown last

  constructor() {
    byId("guide-steps").append(...[...this.#items.values()].map(({ element }) => element));
    const fit = () => (byId("guide").open = WIDE.matches);
    WIDE.addEventListener("change", fit);
    fit();
  }

  /** `steps` says of each whether it is done. */
  show(steps) {
    const names = Object.keys(steps);
    const next = names.find((name) => !steps[name]);
    const done = names.filter((name) => steps[name]).length;
    for (const name of names) this.#items.get(name).show(steps[name], name === next);
    const goOn = next ? `Next: ${STEPS[next][0]}` : "All are done";
    setText(byId("guide-progress"), `${done} of ${names.length} done`);
    setText(byId("guide-next"), goOn);
    byId("guide-end").hidden = Boolean(next);
    if (this.#done !== null && done > this.#done) setText(byId("guide-said"), `${done} of ${names.length} steps done. ${goOn}.`);
    this.#done = done;
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
