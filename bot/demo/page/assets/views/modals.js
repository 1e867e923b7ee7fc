// The modals that the app has put before the person: the one on top is shown, with those below unchanged.
// https://docs.slack.dev/surfaces/modals

import { arrange, byId, h, setText } from "../dom.js";
import { giveFocusBack } from "../focus.js";
import { Form } from "./form.js";

export class Modals {
  #dialog = byId("modal");
  #body = byId("modal-body");
  #entries = new Map(); // by the view's id: {root, form, problem, errors, isBusy}
  #view = null;
  #asker = null;
  #words = null; // what stands in it, but for the fields
  #order;

  /** `order(kind, details)` gives an order, and resolves to what went wrong. */
  constructor(order) {
    this.#order = order;
    byId("modal-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    byId("modal-close").addEventListener("click", () => this.#close(false));
    byId("modal-dismiss").addEventListener("click", () => this.#close(true));
    this.#dialog.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || event.defaultPrevented || event.isComposing) return;
      event.preventDefault(); // the dialog goes when Slack has closed the view
      this.#close(false);
    });
    this.#dialog.addEventListener("cancel", (event) => event.preventDefault());
  }

  /** Show the stack of Slack's, the visible one last. */
  show(views, context) {
    const top = views.at(-1);
    for (const id of this.#entries.keys()) if (!views.some((view) => view.id === id)) this.#entries.delete(id);
    if (!top) return this.#leave();
    const isOther = top.id !== this.#view?.id;
    this.#view = top;
    const { root, form } = this.#keep(top);
    arrange(this.#body, [root]);
    form.show(top, context);
    this.#frame(top);
    this.#open();
    if (isOther) this.#body.scrollTop = 0;
    if (isOther || this.#hasLostFocus()) this.#focus(form);
    else if (this.#hasNewErrors(top)) form.focus();
    this.#say(top, form);
  }

  #keep(view) {
    if (!this.#entries.has(view.id)) {
      const root = h("div.content.view");
      this.#entries.set(view.id, { root, form: new Form(root, (...args) => this.#act(...args)), problem: "", errors: "{}", isBusy: false });
    }
    return this.#entries.get(view.id);
  }

  #frame(view) {
    const { problem, isBusy } = this.#entries.get(view.id);
    setText(byId("modal-title"), view.title ?? "");
    setText(byId("modal-close"), view.close ?? (view.submit ? "Cancel" : "Close"));
    setText(byId("modal-submit"), view.submit ?? "");
    byId("modal-submit").hidden = !view.submit;
    byId("modal-submit").ariaBusy = isBusy ? "true" : null;
    setText(byId("modal-error"), problem || view.client_error);
    byId("modal-error").hidden = !(problem || view.client_error);
    this.#body.tabIndex = this.#body.querySelector("input, textarea, button, a") ? -1 : 0;
  }

  #open() {
    if (this.#dialog.open) return;
    this.#asker = document.activeElement;
    this.#words = null;
    setText(byId("modal-said"), "");
    this.#dialog.showModal();
  }

  #leave() {
    this.#view = null;
    if (!this.#dialog.open) return;
    this.#dialog.close();
    giveFocusBack(this.#asker);
  }

  /** Whether what had the focus is gone. (A question that a button asks first has it rightly: it can't be taken from that.) */
  #hasLostFocus() {
    const { activeElement } = document;
    return !this.#dialog.contains(activeElement) || activeElement === this.#dialog;
  }

  #hasNewErrors({ id, errors }) {
    const entry = this.#entries.get(id);
    const former = entry.errors;
    entry.errors = JSON.stringify(errors);
    return entry.errors !== former && entry.errors !== "{}";
  }

  #focus(form) {
    if (!form.focus()) this.#body.focus();
  }

  /** Tell screen readers what the app puts in the place of what they have read. */
  #say({ title }, { words }) {
    const said = byId("modal-said");
    const now = `${title}. ${words}`;
    if (this.#words !== null && this.#words !== now) setText(said, now);
    this.#words = now;
  }

  async #submit() {
    const { id } = this.#view;
    const entry = this.#entries.get(id);
    if (entry.isBusy || !this.#view.submit) return;
    entry.problem = "";
    entry.errors = "{}"; // the same ones again are new
    if (!entry.form.check()) return void entry.form.focus();
    await this.#during(entry, () => this.#order("submit", { view: id, values: entry.form.values }));
  }

  /** Press a button, or choose something, in the view that was shown then. */
  async #act(view, done) {
    this.#note(this.#entries.get(view.id), await this.#order("act", { view: view.id, ...done }));
  }

  async #close(clear) {
    const { id } = this.#view;
    this.#note(this.#entries.get(id), await this.#order("close", { view: id, clear }));
  }

  async #during(entry, work) {
    entry.isBusy = true;
    this.#frame(this.#view);
    const problem = await work();
    entry.isBusy = false;
    this.#note(entry, problem);
  }

  #note(entry, problem) {
    if (entry) entry.problem = problem;
    if (this.#view) this.#frame(this.#view);
  }
}
