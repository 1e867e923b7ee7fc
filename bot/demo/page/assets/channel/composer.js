// The composer: completes commands, brings back what was typed, sends on Enter.

import { byId, h, setText } from "../dom.js";

const REMEMBERED = 50;

export class Composer {
  #line = byId("line");
  #list = byId("completions");
  #hint = byId("hint");
  #commands = [];
  #options = []; // the commands that are offered now
  #chosen = 0;
  #typed = []; // what was sent, oldest first
  #at = 0; // where in it the arrow keys are; at its end stands the draft
  #draft = "";
  #underWay = 0; // how many lines were sent and not taken yet
  #send;

  /** `send(line)` resolves to what went wrong, or "". */
  constructor(send) {
    this.#send = send;
    byId("composer").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#line.addEventListener("input", () => this.#offer());
    this.#line.addEventListener("keydown", (event) => this.#press(event));
    this.#line.addEventListener("blur", () => this.#close());
  }

  /** What the person who types has, and where the line goes. */
  show(commands, placeholder) {
    if (JSON.stringify(commands) !== JSON.stringify(this.#commands)) {
      this.#commands = commands;
      this.#explain();
    }
    this.#line.placeholder = placeholder;
    this.#line.setAttribute("aria-label", placeholder);
  }

  /** Put a session's id where the caret is; into an empty line behind the first command. */
  insert(sessionId) {
    const { value, selectionStart: start, selectionEnd: end } = this.#line;
    const [command] = this.#commands;
    const before = value || !command ? value.slice(0, start) : command.name;
    const head = `${before}${/\S$/.test(before) ? " " : ""}${sessionId}`;
    const rest = value.slice(end);
    this.#put(`${head}${/^\S/.test(rest) ? " " : ""}${rest}`);
    this.#line.setSelectionRange(head.length, head.length);
    this.focus();
  }

  focus() {
    this.#line.focus();
  }

  async #submit() {
    const line = this.#line.value;
    if (!line.trim()) return;
    this.#typed = [...this.#typed.filter((one) => one !== line), line].slice(-REMEMBERED);
    this.#at = this.#typed.length;
    this.#put("");
    this.#count(+1);
    const problem = await this.#send(line);
    this.#count(-1);
    if (problem && !this.#line.value) this.#put(line);
  }

  #count(change) {
    this.#underWay += change;
    byId("composer").ariaBusy = this.#underWay ? "true" : null;
  }

  #press(event) {
    if (event.isComposing) return;
    const isOpen = !this.#list.hidden;
    const act = isOpen ? this.#inList(event.key) : this.#inLine(event.key);
    if (!act) return;
    event.preventDefault();
    act();
  }

  #inList(key) {
    const count = this.#options.length;
    const option = this.#options[this.#chosen];
    if (key === "ArrowDown") return () => this.#choose((this.#chosen + 1) % count);
    if (key === "ArrowUp") return () => this.#choose((this.#chosen + count - 1) % count);
    if (key === "Escape") return () => this.#close();
    const isWhole = this.#line.value === option.name;
    if (key === "Tab" || (key === "Enter" && !isWhole)) return () => this.#complete(option);
    return null;
  }

  #inLine(key) {
    if (key === "ArrowUp" && this.#at > 0) return () => this.#recall(this.#at - 1);
    if (key === "ArrowDown" && this.#at < this.#typed.length) return () => this.#recall(this.#at + 1);
    return null;
  }

  #recall(at) {
    if (this.#at === this.#typed.length) this.#draft = this.#line.value;
    this.#at = at;
    this.#put(this.#typed[at] ?? this.#draft);
    this.#close();
  }

  #complete(command) {
    this.#put(`${command.name} `);
    this.focus();
  }

  #put(text) {
    this.#line.value = text;
    this.#line.setSelectionRange(text.length, text.length);
    this.#offer();
  }

  #offer() {
    const { value } = this.#line;
    this.#options = /^\/\S*$/.test(value) ? this.#commands.filter(({ name }) => name.startsWith(value)) : [];
    this.#list.replaceChildren(...this.#options.map((command, at) => this.#option(command, at)));
    this.#list.hidden = !this.#options.length;
    this.#line.setAttribute("aria-expanded", String(!this.#list.hidden));
    this.#choose(0);
    this.#explain();
  }

  #option(command, at) {
    const option = h("li", { role: "option", id: `completion-${at}` },
      h("span.option-usage", {}, h("strong", {}, command.name), ` ${command.usage_hint}`),
      h("span.option-about", {}, command.description),
    );
    option.addEventListener("mousedown", (event) => {
      event.preventDefault(); // the line keeps the focus
      this.#complete(command);
    });
    return option;
  }

  #choose(at) {
    this.#chosen = at;
    [...this.#list.children].forEach((option, place) => option.setAttribute("aria-selected", String(place === at)));
    if (this.#list.hidden) this.#line.removeAttribute("aria-activedescendant");
    else this.#line.setAttribute("aria-activedescendant", `completion-${at}`);
  }

  #close() {
    this.#options = [];
    this.#list.hidden = true;
    this.#line.setAttribute("aria-expanded", "false");
    this.#choose(0);
  }

  /** Below the line: how the typed command is used, or how to begin. */
  #explain() {
    const command = this.#commands.find(({ name }) => this.#line.value.startsWith(`${name} `));
    if (command) setText(this.#hint, `${command.name} ${command.usage_hint}: ${command.description}`);
    else setText(this.#hint, this.#commands.length ? "Type / for commands. Arrow keys bring back what you typed." : "People of another workspace have no commands here. They can press buttons.");
  }
}
