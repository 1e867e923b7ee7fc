// The list that opens below a picker: what fits to what is typed, and which of it the keyboard is on.

import { h, newId } from "../dom.js";

export class Menu {
  node = h("ul.menu", { role: "listbox", id: newId(), hidden: true });
  #options = [];
  #at = 0;
  #pick;

  /** `pick(option)` is called when one is pressed with the mouse. */
  constructor(pick) {
    this.#pick = pick;
  }

  get isOpen() {
    return !this.node.hidden;
  }

  get chosen() {
    return this.isOpen ? this.#options[this.#at] : undefined;
  }

  /** The id of the element that the keyboard is on. */
  get active() {
    return this.chosen ? this.#idOf(this.#at) : null;
  }

  /** Offer these, {id, name} each; `present` is marked as what is chosen now. */
  show(options, present) {
    const former = this.chosen?.id ?? present;
    this.#options = options;
    this.node.replaceChildren(...options.map((option, at) => this.#draw(option, at, option.id === present)));
    if (!options.length) this.node.append(h("li.none", { role: "option", "aria-disabled": "true", "aria-selected": "false" }, "Nothing fits"));
    const wasClosed = !this.isOpen;
    this.node.hidden = false;
    this.#turn(Math.max(0, options.findIndex(({ id }) => id === former)));
    if (wasClosed) this.node.scrollIntoView({ block: "nearest" });
  }

  move(by) {
    const count = this.#options.length;
    if (count) this.#turn((this.#at + by + count) % count);
  }

  close() {
    this.node.hidden = true;
    this.#options = [];
  }

  #turn(at) {
    this.#at = at;
    [...this.node.children].forEach((option, place) => option.classList.toggle("active", place === at && this.#options.length > 0));
    const { children } = this.node;
    children[at].scrollIntoView({ block: "nearest" });
  }

  #draw(option, at, isPresent) {
    const element = h("li", { role: "option", id: this.#idOf(at), "aria-selected": String(isPresent) }, option.name);
    element.addEventListener("mousedown", (event) => {
      event.preventDefault(); // the field keeps the focus
      this.#pick(option);
    });
    return element;
  }

  #idOf(at) {
    return `${this.node.id}-${at}`;
  }
}
