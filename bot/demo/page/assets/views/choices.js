// Boxes to tick, or radio buttons, of which one is chosen.
// https://docs.slack.dev/reference/block-kit/block-elements/checkboxes-element
// https://docs.slack.dev/reference/block-kit/block-elements/radio-button-group-element

import { arrange, h, newId } from "../dom.js";
import { textObject } from "../slack/mrkdwn.js";

export class Choices {
  node;
  #isRadio;
  #name = newId();
  #inputs = new Map(); // by the value of their option
  #changed;

  constructor(element, { changed, tell }) {
    this.#isRadio = element.type === "radio_buttons";
    this.node = h("div.choices", { role: this.#isRadio ? "radiogroup" : "group" });
    this.#changed = () => {
      changed();
      tell();
    };
  }

  tellsAtOnce = false;

  get focused() {
    return this.node.querySelector("input:checked") ?? this.node.querySelector("input");
  }

  get labelled() {
    return this.node;
  }

  get value() {
    const chosen = [...this.#inputs].filter(([, { input }]) => input.checked).map(([value]) => value);
    return this.#isRadio ? (chosen[0] ?? null) : chosen;
  }

  set value(value) {
    const chosen = [value].flat();
    for (const [option, { input }] of this.#inputs) input.checked = chosen.includes(option);
  }

  show(element, { names }) {
    arrange(this.node, element.options.map((option) => this.#option(option, names)));
    for (const [value, { label }] of this.#inputs) if (label.parentNode !== this.node) this.#inputs.delete(value);
  }

  problem() {
    return "";
  }

  #option(option, names) {
    if (!this.#inputs.has(option.value)) {
      const input = h("input", { type: this.#isRadio ? "radio" : "checkbox", name: this.#name, onchange: this.#changed });
      const words = h("span.option");
      this.#inputs.set(option.value, { input, words, label: h("label.check", {}, input, words) });
    }
    const { words, label } = this.#inputs.get(option.value);
    words.replaceChildren(...textObject(option.text, names), ...(option.description ? [h("span.option-about", {}, textObject(option.description, names))] : []));
    return label;
  }
}
