// The app's own space: its Home, as the app publishes it for this person, and its messages.
// https://docs.slack.dev/surfaces/app-home

import { byId } from "../dom.js";
import { Form } from "./form.js";

const TABS = ["home", "messages"];

export class Space {
  #form;
  #tab = "home";
  #isOpen = false;
  #open;

  /** `order(kind, details)` gives an order; `changed()` is called when another tab was chosen. */
  constructor(order, changed) {
    this.#form = new Form(byId("home-view"), (view, done) => order("act", { view: view.id, ...done }));
    this.#open = (tab) => {
      this.#tab = tab;
      order("open_home", { tab });
      changed();
    };
    for (const tab of TABS) byId(`tab-${tab}`).addEventListener("click", () => this.#open(tab));
    byId("tabs").addEventListener("keydown", ({ key }) => this.#turn(key));
  }

  /** Come in, to the Home, and send the app an event. */
  enter() {
    this.#open("home");
  }

  /** Show the app, as it is for this person; null where a conversation is open instead. */
  show(app, context) {
    this.#isOpen = app !== null;
    byId("tabs").hidden = !app;
    byId("home").hidden = !this.isHome;
    byId("talk").hidden = this.isHome;
    this.#mark(byId("talk"), "messages", app);
    for (const tab of TABS) {
      byId(`tab-${tab}`).setAttribute("aria-selected", String(tab === this.#tab));
      byId(`tab-${tab}`).tabIndex = tab === this.#tab ? 0 : -1;
    }
    if (!this.isHome) return;
    byId("home-empty").hidden = app.home !== null;
    byId("home-view").hidden = app.home === null;
    if (app.home) this.#form.show(app.home, context);
  }

  /** Whether the Home is what is looked at. */
  get isHome() {
    return this.#isOpen && this.#tab === "home";
  }

  #mark(panel, tab, app) {
    for (const [name, value] of [["role", "tabpanel"], ["aria-labelledby", `tab-${tab}`]]) {
      if (app) panel.setAttribute(name, value);
      else panel.removeAttribute(name);
    }
  }

  #turn(key) {
    if (key !== "ArrowLeft" && key !== "ArrowRight") return;
    const next = TABS.find((tab) => tab !== this.#tab);
    byId(`tab-${next}`).focus();
    this.#open(next);
  }
}
