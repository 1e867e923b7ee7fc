// Boxes to tick. https://docs.slack.dev/reference/block-kit/block-elements/checkboxes-element

import { arrange, h } from "../dom.js";
import { textObject } from "../slack/mrkdwn.js";

export class Checkboxes {
  node = h("div.checkboxes", { role: "group" });
  #boxes = new Map(); // by the value of their option
  #changed;

  constructor(_, { changed, tell }) {
    this.#changed = () => {
      changed();
      tell();
    };
  }

  tellsAtOnce = false;

  get focused() {
    return this.node.querySelector("input");
  }

  get labelled() {
    return this.node;
  }

  get value() {
    return [...this.#boxes].filter(([, { box }]) => box.checked).map(([value]) => value);
  }

  set value(values) {
    for (const [value, { box }] of this.#boxes) box.checked = values.includes(value);
  }

  show(element, { names }) {
    arrange(this.node, element.options.map((option) => this.#option(option, names)));
    for (const [value, { label }] of this.#boxes) if (label.parentNode !== this.node) this.#boxes.delete(value);
  }

  problem() {
    return "";
  }

  #option(option, names) {
    if (!this.#boxes.has(option.value)) {
      const box = h("input", { type: "checkbox", onchange: this.#changed });
      const words = h("span.option");
      this.#boxes.set(option.value, { box, words, label: h("label.check", {}, box, words) });
    }
    const { words, label } = this.#boxes.get(option.value);
    words.replaceChildren(...textObject(option.text, names), ...(option.description ? [h("span.option-about", {}, textObject(option.description, names))] : []));
    return label;
  }
}
