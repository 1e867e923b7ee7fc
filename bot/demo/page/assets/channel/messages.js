// The messages of one conversation: in order, by day, threads below their first message, each redrawn only when it changes.

import { arrange, byId, h, setText } from "../dom.js";
import { drawWarning } from "../slack/buttons.js";
import { dayName, sameDay } from "../slack/dates.js";
import { announce, hush } from "./announcer.js";
import { passFocus } from "../focus.js";
import { drawMessage } from "./message.js";
import { overflow } from "../views/overflow.js";

const TOGETHER = 300; // seconds between messages of one author that are drawn as one
const NEAR = 80; // pixels from the end within which the list follows what comes

export class Messages {
  #list = byId("messages");
  #scroller = byId("scroller");
  #toNewest = byId("to-newest");
  #toChanged = byId("to-changed");
  #above = null; // the ts of a message that has changed where nobody sees it
  #drawn = new Map(); // key to {signature, element}
  #channel = null;
  #height = 0; // of the list, when it was looked at last
  #wasAtEnd = true; // when the reader scrolled last
  #send;
  #reply;

  /** `send(order, details)` gives an order; `reply(message)` turns the composer to a message's thread. */
  constructor(send, reply) {
    this.#send = send;
    this.#reply = reply;
    this.#toNewest.addEventListener("click", () => {
      this.goToEnd();
      this.#scroller.focus({ preventScroll: true }); // the button is gone
    });
    this.#toChanged.addEventListener("click", () => {
      this.reveal(this.#above);
      this.#scroller.focus({ preventScroll: true });
    });
    this.#scroller.addEventListener("scroll", () => this.#look());
    new ResizeObserver(() => this.#fit()).observe(this.#scroller);
  }

  /** Show a conversation of the view. */
  show(channel, view) {
    const isOther = this.#channel !== channel.id + view.me;
    if (isOther) this.#drawn.clear();
    const isAtEnd = isOther || this.#isAtEnd();
    const names = { users: view.users, channels: view.channel_names };
    byId("empty").hidden = channel.messages.length > 0;
    const changed = this.#draw(channel, names, view.shortcuts);
    if (isOther) hush();
    else announce(changed, names);
    this.#channel = channel.id + view.me;
    this.#above = changed.findLast(({ revision, ts }) => revision && this.#isAbove(ts))?.ts ?? (isOther ? null : this.#above);
    this.#toChanged.hidden = !this.#above;
    if (isAtEnd) this.goToEnd();
    else if (changed.some(({ revision, warns, thread_ts }) => !revision && !warns && !thread_ts)) this.#toNewest.hidden = false;
  }

  goToEnd() {
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.#toNewest.hidden = true;
  }

  /** Scroll to a message, and say whether it is there. Its card above grows later: so it stands in the middle. */
  reveal(ts) {
    const element = this.#drawn.get(`message ${ts}`)?.element;
    const thread = element?.closest("details");
    if (thread) thread.open = true;
    element?.scrollIntoView({ block: "center" });
    return Boolean(element);
  }

  #draw(channel, names, shortcuts) {
    const warnings = channel.messages.filter((message) => message.warns);
    const said = channel.messages.filter((message) => !message.warns);
    const roots = said.filter((message) => !isReply(message, said));
    const changed = [];
    const context = { channel, names, shortcuts, warnings, changed, said };
    arrange(this.#list, roots.flatMap((message, at) => this.#entries(message, roots[at - 1], context)));
    for (const key of this.#drawn.keys()) if (!this.#drawn.get(key).element.isConnected) this.#drawn.delete(key);
    return changed;
  }

  /** A message with its thread, and before it the day where a new one begins. */
  #entries(message, former, context) {
    const date = new Date(message.at * 1000);
    const isNewDay = !former || !sameDay(date, new Date(former.at * 1000));
    const day = isNewDay && this.#once(`day ${message.ts}`, dayName(date), () => h("li.day", {}, h("span", {}, dayName(date))));
    const item = this.#once(`item ${message.ts}`, "", () => h("li", {}, h("div.slot"), h("div.thread", { hidden: true })));
    const [slot, thread] = item.children;
    arrange(slot, [this.#message(message, !isNewDay && continues(message, former, context.said), context)]);
    this.#showThread(thread, message, context);
    return isNewDay ? [day, item] : [item];
  }

  #showThread(thread, first, context) {
    const replies = context.said.filter((message) => message.thread_ts === first.ts && message !== first);
    thread.hidden = !replies.length;
    if (thread.hidden) return;
    if (!thread.childElementCount) {
      thread.append(h("details", { open: true }, h("summary"), h("ol")));
      if (context.channel.has_composer) thread.append(h("button.quiet", { type: "button", onclick: () => this.#reply(first) }, "Reply"));
    }
    const [summary, list] = thread.firstElementChild.children;
    setText(summary, countOf(replies.filter((message) => !message.is_ephemeral).length));
    arrange(list, replies.map((message, at) => this.#answer(message, replies[at - 1], context)));
  }

  #answer(message, former, context) {
    const item = this.#once(`answer ${message.ts}`, "", () => h("li")); // its message becomes an item if the first one is deleted
    arrange(item, [this.#message(message, former && continues(message, former, []), context)]);
    return item;
  }

  #message(message, follows, { channel, names, shortcuts, warnings, changed }) {
    const element = this.#once(`message ${message.ts}`, message.revision, () => {
      changed.push(message);
      const send = ({ order, ...ref }) => this.#send(order, { channel: channel.id, ts: message.ts, ...ref });
      const choose = (ref) => send({ order: "click", ...ref });
      return drawMessage(message, {
        names,
        send,
        control: (element, block) => (element.type === "overflow" ? overflow(element, block, { names, send: choose }) : null),
        reply: message.is_ephemeral || message.thread_ts || !channel.has_composer ? null : () => this.#reply(message),
        shortcuts: message.is_ephemeral || message.source === "typed" ? [] : shortcuts,
        use: (shortcut) => this.#send("shortcut", { channel: channel.id, ts: message.ts, shortcut }),
      });
    });
    element.classList.toggle("follows", Boolean(follows));
    for (const place of element.querySelectorAll(".pressable")) this.#warn(place, message, warnings, changed);
    return element;
  }

  /** Show by a button what became of its last press, if that is a warning. */
  #warn(place, { ts }, warnings, changed) {
    const button = place.firstElementChild;
    const { block, action } = button.dataset;
    const warning = warnings.find(({ warns }) => warns.ts === ts && warns.block === block && warns.action === action);
    const draw = () => {
      changed.push(warning);
      return drawWarning(warning.text);
    };
    arrange(place, warning ? [button, this.#once(`warning ${warning.ts}`, "", draw)] : [button]);
  }

  /** The element under this key, redrawn only if its signature is another one; the focus stays in its place. */
  #once(key, signature, draw) {
    const former = this.#drawn.get(key);
    if (former?.signature === signature) return former.element;
    const element = draw();
    this.#drawn.set(key, { signature, element });
    if (former?.element.contains(document.activeElement)) passFocus(former.element, element);
    if (former) element.classList.add("changed");
    return element;
  }

  #isAtEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    return scrollHeight - scrollTop - clientHeight < NEAR;
  }

  #isAbove(ts) {
    const element = this.#drawn.get(`message ${ts}`)?.element;
    return Boolean(element) && element.getBoundingClientRect().bottom < this.#scroller.getBoundingClientRect().top;
  }

  #look() {
    if (this.#above && !this.#isAbove(this.#above)) {
      this.#above = null;
      this.#toChanged.hidden = true;
    }
    if (this.#scroller.clientHeight !== this.#height) return; // it is not the reader who scrolls
    this.#wasAtEnd = this.#isAtEnd();
    if (this.#wasAtEnd) this.#toNewest.hidden = true;
  }

  #fit() {
    this.#height = this.#scroller.clientHeight;
    if (this.#wasAtEnd) this.goToEnd();
    else this.#look();
  }
}

const countOf = (replies) => (replies === 0 ? "Thread" : replies === 1 ? "1 reply" : `${replies} replies`);

const isReply = (message, all) => message.thread_ts && message.thread_ts !== message.ts && all.some(({ ts }) => ts === message.thread_ts);

/** Whether a message is drawn as one with the former: same author, same readers, soon after, no thread between. */
function continues(message, former, all) {
  return message.user === former.user && message.is_ephemeral === former.is_ephemeral && !message.is_ephemeral &&
    message.at - former.at < TOGETHER && !all.some(({ thread_ts, ts }) => thread_ts === former.ts && ts !== former.ts);
}
