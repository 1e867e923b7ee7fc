// A block with one field: its label, its hint, and what is wrong with it.
// https://docs.slack.dev/reference/block-kit/blocks/input-block

import { h, newId, setText, shown } from "../dom.js";
import { textObject } from "../slack/mrkdwn.js";

export class InputBlock {
  #field;
  #hint = h("p.field-hint", { id: newId() });
  #error = h("p.field-error", { id: newId() });
  #label;
  node;

  /** `field` is one of fields.js; null for an element that can't be operated, for which `stand` is drawn. */
  constructor(field, stand) {
    this.#field = field;
    const label = field?.labelled;
    this.#label = label?.matches("input, textarea") ? h("label.field-label", { for: label.id }) : h("span.field-label", { id: newId() });
    if (this.#label.id) label?.setAttribute("aria-labelledby", this.#label.id);
    this.node = h("div.field", {}, this.#label, field?.node ?? stand, this.#error, this.#hint);
  }

  show(block, error, names) {
    const optional = block.optional ? [" ", h("span.field-optional", {}, "(optional)")] : [];
    const label = [...textObject(block.label, names), ...optional];
    if (this.#label.textContent !== h("span", {}, label).textContent) this.#label.replaceChildren(...[...textObject(block.label, names), ...optional]);
    setText(this.#hint, block.hint ? h("span", {}, textObject(block.hint, names)).textContent : "");
    this.#hint.hidden = !block.hint;
    if (this.#error.dataset.text !== error) this.#error.replaceChildren(...(error ? [shown("⚠ "), error] : []));
    this.#error.dataset.text = error;
    this.#error.hidden = !error;
    this.#describe([error && this.#error.id, block.hint && this.#hint.id].filter(Boolean), Boolean(error));
  }

  #describe(ids, isWrong) {
    const labelled = this.#field?.labelled;
    if (!labelled) return;
    if (ids.length) labelled.setAttribute("aria-describedby", ids.join(" "));
    else labelled.removeAttribute("aria-describedby");
    if (isWrong) labelled.setAttribute("aria-invalid", "true");
    else labelled.removeAttribute("aria-invalid");
  }
}
