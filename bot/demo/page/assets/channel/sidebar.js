// The conversations of the person who looks, and the app: which is open, and in which something new was said.

import { arrange, byId, h, setText, spoken } from "../dom.js";

export class Sidebar {
  #items = new Map();
  #seen = new Map(); // channel id to the ts of the newest message when it was last open
  #choose;

  constructor(choose) {
    this.#choose = choose;
  }

  /** Show all conversations of the view, with `open` as the one that is looked at, and is read but where the app's Home is. */
  show(view, open, isRead) {
    setText(byId("workspace"), view.workspace);
    if (isRead) this.#seen.set(view.me + open.id, open.messages.at(-1)?.ts ?? "");
    const isOfApp = ({ id }) => id === view.app?.channel;
    const items = (channels) => channels.map((channel) => this.#item(channel, view, open));
    arrange(byId("conversations"), items(view.channels.filter((channel) => !isOfApp(channel))));
    arrange(byId("apps"), items(view.channels.filter(isOfApp)));
    byId("apps-title").hidden = !view.app;
  }

  #item(channel, view, open) {
    const key = view.me + channel.id;
    if (!this.#items.has(key)) {
      const name = h("span.name", {}, label(channel));
      const button = h("button", { type: "button", onclick: () => this.#choose(channel.id) }, name, h("span.count"));
      this.#items.set(key, h("li", {}, button));
    }
    const item = this.#items.get(key);
    const [button] = item.children;
    if (channel.id === open.id) button.setAttribute("aria-current", "page");
    else button.removeAttribute("aria-current");
    const unread = channel.messages.filter(({ ts, warns }) => !warns && ts > (this.#seen.get(key) ?? "")).length;
    button.lastElementChild.replaceChildren(...(unread ? [String(unread), spoken(" unread")] : []));
    return item;
  }
}

/** How a conversation is called: "#alerts", or the name of who it is with. */
export const label = (channel) => (channel.kind === "dm" ? channel.name : `#${channel.name}`);
