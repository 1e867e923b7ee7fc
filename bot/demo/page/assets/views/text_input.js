// A field to type in. https://docs.slack.dev/reference/block-kit/block-elements/plain-text-input-element

import { h, newId } from "../dom.js";
import { unescape } from "../slack/mrkdwn.js";

const SETTLED = 400; // milliseconds without another character

export class TextInput {
  node;
  #tells = ["on_enter_pressed"];
  #later = 0;

  /** `changed()` is called as it is typed, `tell()` when an app that wants to hear of it should get it. */
  constructor(element, { changed, tell }) {
    this.node = element.multiline
      ? h("textarea.text-input", { id: newId(), rows: 3, spellcheck: "false" })
      : h("input.text-input", { id: newId(), type: "text", autocomplete: "off", spellcheck: "false" });
    this.node.addEventListener("input", () => {
      changed();
      if (this.#tells.includes("on_character_entered")) this.#tellLater(tell);
    });
    this.node.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.isComposing || !this.tellsAtOnce || !this.#tells.includes("on_enter_pressed")) return;
      event.preventDefault();
      tell();
    });
  }

  tellsAtOnce = false;

  get focused() {
    return this.node;
  }

  get labelled() {
    return this.node;
  }

  get value() {
    return this.node.value;
  }

  set value(text) {
    if (this.node.value !== (text ?? "")) this.node.value = text ?? "";
  }

  show(element) {
    this.node.placeholder = unescape(element.placeholder?.text ?? "");
    this.node.maxLength = element.max_length ?? 3000;
    this.#tells = element.dispatch_action_config?.trigger_actions_on ?? ["on_enter_pressed"];
  }

  /** What is wrong with it as it stands, in Slack's words; nothing if it can be submitted. */
  problem({ min_length: least = 0 }) {
    return this.value.length < least ? `Must be at least ${least} characters.` : "";
  }

  #tellLater(tell) {
    if (!this.tellsAtOnce) return;
    clearTimeout(this.#later);
    this.#later = setTimeout(tell, SETTLED);
  }
}
