// The agents: what each is doing, what it spends, and whether it may.

import { arrange, byId, h, setText, shown } from "../dom.js";

const STATES = { running: "Running", paused: "Paused", completed: "Ended" };
const MODES = [
  ["off", "Off", "Alerts pause nothing"],
  ["observe", "Observe", "Cards say what would have been paused"],
  ["on", "On", "Alerts pause agents without asking anybody"],
];
const money = new Intl.NumberFormat("en-US", { style: "currency", currency: "USD" });
const wholeMoney = new Intl.NumberFormat("en-US", { style: "currency", currency: "USD", trailingZeroDisplay: "stripIfInteger" });

const fleetText = ({ states, spent }) =>
  `Fleet: ${Object.entries(STATES).filter(([state]) => states[state]).map(([state, label]) => `${states[state]} ${label.toLowerCase()}`).join(", ")} · ${money.format(spent)}`;

export class Agents {
  #cards = new Map(); // by the agent's name: a new session is another one's work on the same job
  #order;
  #insert;

  /** `order(kind, details)` gives an order; `insert(id)` puts a session's id into the composer. */
  constructor(order, insert) {
    this.#order = order;
    this.#insert = insert;
    const choose = async (mode) => {
      byId("auto-pause").ariaBusy = "true";
      await order("auto_pause", { mode });
      byId("auto-pause").ariaBusy = null;
    };
    byId("auto-pause").append(...MODES.map(([mode, label, title]) =>
      h("label", { title }, h("input", { type: "radio", name: "auto-pause", value: mode, onchange: () => choose(mode) }), h("span", {}, label))));
  }

  /** Show all; where there is no monitor, nobody raises alerts, and the mode of those that ask for a pause is null. */
  show(agents, fleet, mode) {
    byId("fleet").hidden = fleet === null;
    if (fleet !== null) setText(byId("fleet"), fleetText(fleet));
    const hasMonitor = mode !== null;
    byId("raise-storm").hidden = byId("monitor").hidden = !hasMonitor;
    if (byId("auto-pause").ariaBusy !== "true") {
      for (const choice of byId("auto-pause").querySelectorAll("input")) choice.checked = choice.value === mode;
    }
    arrange(byId("agents"), agents.map((agent) => this.#card(agent).show(agent, hasMonitor)));
  }

  #card({ name }) {
    if (!this.#cards.has(name)) this.#cards.set(name, new Card(this.#order, this.#insert));
    return this.#cards.get(name);
  }
}

class Card {
  #session = "";
  #name = h("h3");
  #goal = h("p.goal");
  #state = h("span.state");
  #spent = h("span.spent");
  #budget = h("span.budget");
  #log = h("ol.log");
  #lines = new Map();
  #id;
  #alert;
  #end;
  #element;

  constructor(order, insert) {
    const ask = (kind) => order(kind, { session_id: this.#session });
    this.#id = h("button.session-id", { type: "button", title: "Put into the composer", onclick: () => insert(this.#session) });
    this.#alert = h("button.button.small", { type: "button", onclick: () => ask("alert") }, "Raise alert");
    this.#end = h("button.button.small", { type: "button", onclick: () => ask(this.#end.dataset.order) });
    this.#element = h("li.agent", {},
      h("div.agent-head", {}, this.#name, this.#state),
      this.#goal,
      this.#id,
      this.#log,
      h("div.agent-foot", {},
        h("p.money", {}, this.#spent, this.#budget),
        this.#alert,
        this.#end,
      ),
    );
  }

  /** Bring the card up to date, and return it. */
  show(agent, hasMonitor) {
    this.#alert.hidden = !hasMonitor;
    const isEnded = agent.state === "completed";
    if (this.#session !== agent.session_id) this.#lines.clear();
    this.#session = agent.session_id;
    setText(this.#id, agent.session_id);
    this.#element.dataset.state = agent.state;
    setText(this.#name, agent.name);
    setText(this.#goal, agent.goal);
    setText(this.#state, STATES[agent.state]);
    setText(this.#spent, money.format(agent.spent));
    setText(this.#budget, agent.budget === null ? "" : ` of ${wholeMoney.format(agent.budget)}`);
    this.#spent.classList.toggle("over", agent.budget !== null && agent.spent > agent.budget);
    setText(this.#end, isEnded ? "New session" : "End session");
    this.#end.dataset.order = isEnded ? "restart" : "end";
    arrange(this.#log, agent.log.map((line) => this.#line(line)));
    for (const number of this.#lines.keys()) if (!agent.log.some((line) => line.number === number)) this.#lines.delete(number);
    return this.#element;
  }

  #line({ number, text, is_notice }) {
    if (!this.#lines.has(number)) this.#lines.set(number, h(`li${is_notice ? ".of-state" : ""}`, {}, shown("› "), text));
    return this.#lines.get(number);
  }
}
