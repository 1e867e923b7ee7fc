// The levers: what can be broken and mended, and by which way Slack reaches the bot.

import { byId, h } from "../dom.js";

const GROUPS = [
  ["Anchor", [
    ["anchor_slow", "Slow", "Answers after 4 s"],
    ["anchor_down", "Down", "Refuses connections"],
    ["key_revoked", "Key revoked", "Refuses the API key"],
  ]],
  ["Bot", [
    ["socket_mode", "Socket Mode", "Off: signed HTTP"],
    ["bot_frozen", "Hangs", "Its process is frozen"],
    ["bot_stopped", "Stopped", "Off starts it again"],
  ]],
];

export class Levers {
  #switches = new Map();

  /** `pull(lever, on)` resolves when it is done. */
  constructor(pull) {
    byId("levers").append(...GROUPS.map(([group, levers]) =>
      h("div.levers", { role: "group", "aria-label": group }, h("h3", {}, group, group === "Bot" && h("span.bot-state", { id: "bot-state" })),
        levers.map(([name, label, about]) => this.#lever(name, label, about, pull)))));
  }

  show(positions, bot) {
    for (const [name, lever] of this.#switches) lever.setAttribute("aria-checked", String(positions[name]));
    byId("bot-state").textContent = bot;
    byId("bot-state").dataset.state = bot;
    this.#switches.get("bot_frozen").disabled = positions.bot_stopped || bot === "starting";
  }

  #lever(name, label, about, pull) {
    const id = `about-${name}`;
    const lever = h("button.lever", { type: "button", role: "switch", "aria-checked": "false", "aria-describedby": id, "data-lever": name }, h("span", {}, label));
    lever.addEventListener("click", async () => {
      if (lever.ariaBusy === "true") return;
      lever.ariaBusy = "true";
      await pull(name, lever.getAttribute("aria-checked") !== "true");
      lever.ariaBusy = null;
    });
    this.#switches.set(name, lever);
    return h("div.lever-row", {}, lever, h("p.lever-about", { id }, about));
  }
}
