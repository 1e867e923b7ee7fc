// The blocks of one view: redrawn only where they change, with what is typed and chosen in them preserved.

import { arrange, h } from "../dom.js";
import { giveFocusBack } from "../focus.js";
import { drawBlock } from "../slack/blocks.js";
import { drawWarning, stillElement } from "../slack/buttons.js";
import { ask } from "../slack/confirm.js";
import { plainText } from "../slack/mrkdwn.js";
import { elementsOf, newField, valueOf } from "./fields.js";
import { InputBlock } from "./input_block.js";
import { overflow } from "./overflow.js";

const MISSING = "Please complete this required field.";

export class Form {
  #root;
  #act;
  #view = null;
  #context = null;
  #drawn = new Map(); // block_id to {signature, element} or {input}
  #fields = new Map(); // by block, action and type: {field, isTouched}
  #wrong = {}; // by block_id, what the client itself finds
  #warning = null;
  #pressed = ""; // the block in which something was done last

  /** `act(view, {block, action, choice})` tells the app of something at once. */
  constructor(root, act) {
    this.#root = root;
    this.#act = act;
  }

  /** Show the view as it is now. `context` has the names for ids, and Slack as the person sees it. */
  show(view, context) {
    this.#view = view;
    const send = ({ block, action, choice }) => this.#tell(block, action, choice);
    const control = (element, block) =>
      element.type === "overflow" ? overflow(element, block, this.#context) : this.#fieldOf(element, block)?.field.node;
    this.#context = { ...context, send, control };
    const focused = this.#root.contains(document.activeElement) ? document.activeElement : null;
    for (const block of view.blocks) for (const element of elementsOf(block)) this.#refresh(element, block);
    arrange(this.#root, view.blocks.flatMap((block) => this.#block(block)));
    this.#forget();
    if (focused && document.activeElement !== focused) giveFocusBack(focused); // it was moved, or redrawn
  }

  /** What was typed and chosen since it was shown, by block_id. */
  get values() {
    const values = {};
    for (const [block, { field, isTouched }] of this.#inputs()) if (isTouched && field.value !== null) values[block.block_id] = field.value;
    return values;
  }

  /** What is to be read in it, but for what is to be filled in. */
  get words() {
    return this.#view.blocks.filter(({ type }) => type !== "input").map(({ block_id }) => this.#drawn.get(block_id).element.textContent).join(" ");
  }

  /** Whether all is there that the client wants before it submits; what is not is marked. */
  check() {
    this.#wrong = {};
    for (const [block, { field }] of this.#inputs()) {
      const isMissing = !block.optional && (field.value === null || field.value.length === 0);
      const problem = isMissing ? MISSING : field.value?.length ? field.problem(block.element) : "";
      if (problem) this.#wrong[block.block_id] = problem;
    }
    this.show(this.#view, this.#context);
    return Object.keys(this.#wrong).length === 0;
  }

  /** Go to the first field that something is wrong with, if there is one, else to the one that asks for it, if one does. */
  focus() {
    const inputs = [...this.#inputs()];
    const wrong = inputs.find(([block]) => this.#problemOf(block));
    const eager = [...this.#fields.values()].find(({ isEager }) => isEager);
    const field = (wrong ? wrong[1] : eager)?.field;
    field?.focused?.focus();
    return Boolean(field);
  }

  *#inputs() {
    for (const block of this.#view.blocks) {
      const entry = block.type === "input" && this.#fieldOf(block.element, block);
      if (entry) yield [block, entry];
    }
  }

  #block(block) {
    const element = block.type === "input" ? this.#input(block) : this.#other(block);
    const isWarned = this.#view.client_error && this.#view.type === "home" && (block.block_id === this.#pressed || (!this.#pressed && block === this.#view.blocks[0]));
    return isWarned ? [element, this.#warn()] : [element];
  }

  #warn() {
    if (this.#warning?.dataset.text !== this.#view.client_error) this.#warning = h("p", { role: "alert", "data-text": this.#view.client_error }, drawWarning(this.#view.client_error));
    return this.#warning;
  }

  #input(block) {
    const entry = this.#fieldOf(block.element, block);
    const former = this.#drawn.get(block.block_id);
    const input = former?.input && former.field === entry?.field ? former.input : new InputBlock(entry?.field ?? null, stillElement(block.element, this.#context));
    this.#drawn.set(block.block_id, { input, field: entry?.field });
    input.show(block, this.#problemOf(block), this.#context.names);
    return input.node;
  }

  #other(block) {
    const signature = JSON.stringify(block);
    const former = this.#drawn.get(block.block_id);
    if (former?.signature === signature) return former.element;
    const element = drawBlock(block, this.#context);
    this.#drawn.set(block.block_id, { signature, element });
    return element;
  }

  #problemOf(block) {
    return this.#wrong[block.block_id] ?? this.#view.errors[block.block_id] ?? "";
  }

  /** Bring a field up to date: with what the app and Slack say, but for what the person has typed or chosen since. */
  #refresh(element, block) {
    const key = keyOf(element, block);
    if (!this.#fields.has(key)) {
      const entry = { field: null, isTouched: false, isEager: element.focus_on_load };
      const on = { changed: () => (entry.isTouched = true), tell: () => this.#report(entry) };
      entry.field = newField(element, on);
      if (!entry.field) return;
      this.#fields.set(key, entry);
    }
    const entry = this.#fields.get(key);
    entry.element = element;
    entry.block = block;
    entry.field.tellsAtOnce = block.type !== "input" || block.dispatch_action === true;
    entry.field.show(element, this.#context);
    Object.assign(entry.field.focused.dataset, { block: block.block_id, action: element.action_id });
    if (!entry.isTouched) entry.field.value = valueOf(this.#view.state[block.block_id]?.[element.action_id]);
    if (block.type !== "input") entry.field.labelled.setAttribute("aria-label", nameOf(element, block, this.#context.names));
  }

  async #report(entry) {
    const { field, element, block } = entry;
    if (!field.tellsAtOnce) return;
    const sent = JSON.stringify(field.value);
    if (!element.confirm || (await ask(element.confirm, this.#context.names))) await this.#tell(block.block_id, element.action_id, field.value);
    if (JSON.stringify(field.value) !== sent) return; // it was changed meanwhile
    entry.isTouched = false; // Slack has it now, or nobody
    field.value = valueOf(this.#view.state[block.block_id]?.[element.action_id]);
  }

  #tell(block, action, choice = null) {
    this.#pressed = block;
    return this.#act(this.#view, { block, action, choice });
  }

  #fieldOf(element, block) {
    return this.#fields.get(keyOf(element, block));
  }

  #forget() {
    const blocks = new Set(this.#view.blocks.map(({ block_id }) => block_id));
    const keys = new Set(this.#view.blocks.flatMap((block) => elementsOf(block).map((element) => keyOf(element, block))));
    for (const key of this.#drawn.keys()) if (!blocks.has(key)) this.#drawn.delete(key);
    for (const key of this.#fields.keys()) if (!keys.has(key)) this.#fields.delete(key);
  }
}

const keyOf = (element, block) => JSON.stringify([block.block_id, element.action_id, element.type]);

/** Outside of an input block, a field is called what stands beside it. */
const nameOf = (element, { text }, names) =>
  (text?.type === "mrkdwn" ? plainText(text.text, names) : (text?.text ?? element.placeholder?.text ?? "Options")).split("\n")[0];
