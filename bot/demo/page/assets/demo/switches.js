// The switches: what can be broken and mended, and over which transport Slack reaches the bot.

import { byId, h } from "../dom.js";

const GROUPS = [
  ["Anchor", [
    ["anchor_slow", "Slow", "Answers after 4 s"],
    ["anchor_down", "Down", "Refuses connections"],
    ["key_revoked", "Key revoked", "Refuses the API key"],
    ["fleet", "Fleet", "30 agents go wrong"],
  ]],
  ["Bot", [
    ["socket_mode", "Socket Mode", "Off: signed HTTP"],
    ["bot_frozen", "Hangs", "Its process is frozen"],
    ["bot_stopped", "Stopped", "Off starts it again"],
    ["bot_killed", "Killed", "Crashes at once"],
  ]],
];

export class Switches {
  #switches = new Map();

  /** `set(name, on)` resolves when it is done. */
  constructor(set) {
    byId("switches").append(...GROUPS.map(([group, switches]) =>
      h("div.switches", { role: "group", "aria-label": group }, h("h3", {}, group, group === "Bot" && h("span.bot-state", { id: "bot-state" })),
        switches.map(([name, label, about]) => this.#element(name, label, about, set)))));
  }

  show(positions, bot) {
    for (const [name, element] of this.#switches) element.setAttribute("aria-checked", String(positions[name]));
    byId("bot-state").textContent = bot;
    byId("bot-state").dataset.state = bot;
    this.#switches.get("bot_frozen").disabled = ["stopped", "killed", "starting"].includes(bot);
  }

  #element(name, label, about, set) {
    const id = `about-${name}`;
    const element = h("button.switch", { type: "button", role: "switch", "aria-checked": "false", "aria-describedby": id, "data-switch": name }, h("span", {}, label));
    element.addEventListener("click", async () => {
      if (element.ariaBusy === "true") return;
      element.ariaBusy = "true";
      await set(name, element.getAttribute("aria-checked") !== "true");
      element.ariaBusy = null;
    });
    this.#switches.set(name, element);
    return h("div.switch-row", {}, element, h("p.switch-about", { id }, about));
  }
}
