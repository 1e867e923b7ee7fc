// The agents: what each is doing, what it spends, and whether it may.

import { arrange, byId, h, setText, shown } from "../dom.js";

const STATES = { running: "Running", paused: "Paused", completed: "Ended" };
const money = new Intl.NumberFormat("en-US", { style: "currency", currency: "USD" });

export class Agents {
  #cards = new Map();
  #order;
  #insert;

  /** `order(kind, details)` gives an order; `insert(id)` puts a session's id into the composer. */
  constructor(order, insert) {
    this.#order = order;
    this.#insert = insert;
  }

  show(agents) {
    arrange(byId("agents"), agents.map((agent) => this.#card(agent).show(agent)));
    const present = new Set(agents.map(({ session_id }) => session_id));
    for (const id of this.#cards.keys()) if (!present.has(id)) this.#cards.delete(id);
  }

  #card({ session_id }) {
    if (!this.#cards.has(session_id)) this.#cards.set(session_id, new Card(session_id, this.#order, this.#insert));
    return this.#cards.get(session_id);
  }
}

class Card {
  #name = h("h3");
  #goal = h("p.goal");
  #state = h("span.state");
  #spent = h("span.spent");
  #budget = h("span.budget");
  #log = h("ol.log");
  #lines = new Map();
  #alert;
  #end;
  #element;

  constructor(sessionId, order, insert) {
    const on = (kind) => () => order(kind, { session_id: sessionId });
    this.#alert = h("button.button.small", { type: "button", onclick: on("alert") }, "Raise alert");
    this.#end = h("button.button.small", { type: "button", onclick: () => order(this.#end.dataset.order, { session_id: sessionId }) });
    const id = h("button.session-id", { type: "button", title: "Put into the composer", onclick: () => insert(sessionId) }, sessionId);
    this.#element = h("li.agent", { "data-session": sessionId },
      h("div.agent-head", {}, this.#name, this.#state),
      this.#goal,
      id,
      this.#log,
      h("div.agent-foot", {}, h("p.money", {}, this.#spent, this.#budget), this.#alert, this.#end),
    );
  }

  /** Bring the card up to date, and return it. */
  show(agent) {
    const isEnded = agent.state === "completed";
    this.#element.dataset.state = agent.state;
    setText(this.#name, agent.name);
    setText(this.#goal, agent.goal);
    setText(this.#state, STATES[agent.state]);
    setText(this.#spent, money.format(agent.spent));
    setText(this.#budget, agent.budget === null ? "" : ` of ${money.format(agent.budget)}`);
    this.#spent.classList.toggle("over", agent.budget !== null && agent.spent > agent.budget);
    setText(this.#end, isEnded ? "New session" : "End session");
    this.#end.dataset.order = isEnded ? "begin_anew" : "end";
    arrange(this.#log, agent.log.map((line) => this.#line(line)));
    for (const number of this.#lines.keys()) if (!agent.log.some((line) => line.number === number)) this.#lines.delete(number);
    return this.#element;
  }

  #line({ number, text, is_notice }) {
    if (!this.#lines.has(number)) this.#lines.set(number, h(`li${is_notice ? ".of-state" : ""}`, {}, shown("› "), text));
    return this.#lines.get(number);
  }
}
