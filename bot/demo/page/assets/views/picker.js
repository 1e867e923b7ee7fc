// A menu of which one or several things can be chosen: what is typed searches it.
// https://docs.slack.dev/reference/block-kit/block-elements/select-menu-element

import { h, newId, shown } from "../dom.js";
import { unescape } from "../slack/mrkdwn.js";
import { Menu } from "./menu.js";
import { nameIn, offers } from "./offers.js";

export class Picker {
  #input = h("input.picker-line", { id: newId(), type: "text", role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", autocomplete: "off", spellcheck: "false" });
  #menu = new Menu((option) => this.#pick(option));
  #chips = h("span.chips");
  node = h("div.picker", {}, h("div.picker-box", {}, this.#chips, this.#input, shown("▾")), this.#menu.node);
  #several;
  #chosen = []; // ids
  #element = null;
  #slack = null;
  #changed;

  constructor(element, { changed, tell }) {
    this.#several = element.type.startsWith("multi_");
    this.#changed = () => {
      changed();
      tell();
    };
    this.#input.setAttribute("aria-controls", this.#menu.node.id);
    this.#input.addEventListener("input", () => this.#open());
    this.#input.addEventListener("keydown", (event) => this.#press(event));
    this.#input.addEventListener("blur", () => this.#close());
    this.node.firstChild.addEventListener("mousedown", (event) => this.#point(event));
  }

  tellsAtOnce = false;

  get focused() {
    return this.#input;
  }

  get labelled() {
    return this.#input;
  }

  get value() {
    return this.#several ? [...this.#chosen] : (this.#chosen[0] ?? null);
  }

  set value(value) {
    const chosen = this.#several ? value : value === null ? [] : [value];
    if (JSON.stringify(chosen) === JSON.stringify(this.#chosen)) return;
    this.#chosen = [...chosen];
    this.#draw();
  }

  show(element, { slack }) {
    this.#element = element;
    this.#slack = slack;
    this.#draw();
  }

  problem() {
    return "";
  }

  #draw() {
    const name = (id) => nameIn(this.#element, id, this.#slack);
    const placeholder = unescape(this.#element.placeholder?.text ?? "Select an option");
    this.#input.placeholder = this.#several && this.#chosen.length ? "" : placeholder;
    if (!this.#several) {
      if (!this.#menu.isOpen) this.#input.value = this.#chosen.map(name).join("");
      return;
    }
    const names = this.#chosen.map(name);
    if (names.join() === this.#chips.dataset.names) return;
    this.#chips.dataset.names = names.join();
    this.#chips.replaceChildren(...this.#chosen.map((id) => this.#chip(id, name(id))));
  }

  #chip(id, name) {
    const remove = h("button.chip-remove", { type: "button", "aria-label": `Remove ${name}` }, shown("×"));
    remove.addEventListener("click", () => this.#leave(id));
    return h("span.chip", {}, name, remove);
  }

  #point(event) {
    if (event.target.closest("button") || (event.target === this.#input && this.#menu.isOpen)) return;
    event.preventDefault(); // what is chosen stays selected, so that what is typed takes its place
    this.#input.focus();
    if (this.#menu.isOpen) this.#close();
    else this.#open();
  }

  #press(event) {
    if (event.isComposing) return;
    const act = this.#actOf(event.key);
    if (!act) return;
    event.preventDefault();
    act();
    this.#mark();
  }

  #actOf(key) {
    const { isOpen, chosen } = this.#menu;
    if (key === "ArrowDown") return isOpen ? () => this.#menu.move(+1) : () => this.#open();
    if (key === "ArrowUp") return isOpen ? () => this.#menu.move(-1) : () => this.#open();
    if (key === "Enter") return chosen ? () => this.#pick(chosen) : () => this.#open();
    if (key === "Escape") return isOpen && (() => this.#close());
    const last = this.#several && !this.#input.value && this.#chosen.at(-1);
    return key === "Backspace" && last && (() => this.#leave(last));
  }

  /** Offer what fits to what is typed; all of it while the field shows what is chosen. */
  #open() {
    const names = this.#several ? [] : this.#chosen.map((id) => nameIn(this.#element, id, this.#slack));
    const typed = names.includes(this.#input.value) ? "" : this.#input.value.trim().toLowerCase();
    const fits = offers(this.#element, this.#slack).filter(({ id, name }) => name.toLowerCase().includes(typed) && !(this.#several && this.#chosen.includes(id)));
    this.#menu.show(fits, this.#several ? null : this.#chosen[0]);
    if (names.includes(this.#input.value)) this.#input.select();
    this.#mark();
  }

  #close() {
    this.#menu.close();
    if (this.#several) this.#input.value = "";
    this.#draw();
    this.#mark();
  }

  #pick({ id }) {
    if (this.#several && this.#chosen.length === this.#element.max_selected_items) return;
    const isNew = !this.#chosen.includes(id);
    this.#chosen = this.#several ? [...this.#chosen, id] : [id];
    this.#close();
    if (isNew) this.#changed();
  }

  #leave(id) {
    this.#chosen = this.#chosen.filter((one) => one !== id);
    this.#draw();
    this.#input.focus();
    this.#changed();
  }

  #mark() {
    this.#input.setAttribute("aria-expanded", String(this.#menu.isOpen));
    if (this.#menu.active) this.#input.setAttribute("aria-activedescendant", this.#menu.active);
    else this.#input.removeAttribute("aria-activedescendant");
  }
}
