// Buttons of messages: Block Kit's and legacy ones. A click asks first where it should, and waits for the app's ack.

import { h, shown, spoken } from "../dom.js";
import { ask } from "./confirm.js";
import { textObject } from "./mrkdwn.js";
import { withEmoji } from "./emoji.js";

/** A Block Kit button. https://docs.slack.dev/reference/block-kit/block-elements/button-element */
export function blockButton(element, block, message) {
  const ref = { order: "click", block: block.block_id, action: element.action_id };
  const label = textObject(element.text, message.names);
  const follow = element.url && (() => open(element.url, "_blank", "noopener,noreferrer"));
  return pressable(message, ref, label, element, element.confirm, follow);
}

/** A legacy button. https://api.slack.com/legacy/interactive-message-field-guide */
export function legacyButton(action, attachment, message) {
  const ref = { order: "press", block: String(attachment.id), action: String(action.id) };
  const { confirm } = action;
  const plain = (text) => ({ type: "plain_text", text });
  const question = confirm && {
    title: plain(confirm.title ?? "Are you sure?"),
    text: plain(confirm.text ?? ""),
    confirm: plain(confirm.ok_text ?? "Okay"),
    deny: plain(confirm.dismiss_text ?? "Cancel"),
  };
  return pressable(message, ref, [withEmoji(action.text ?? "")], action, question, null);
}

/** What this page can show, but not operate: menus, pickers, boxes. */
export function stillElement(element, message) {
  const label = element.placeholder ?? element.initial_option?.text ?? { type: "plain_text", text: element.type };
  return h("button.button", { type: "button", disabled: true }, textObject(label, message.names), " ", shown("▾"));
}

function pressable(message, ref, label, { style, accessibility_label: spokenLabel }, question, follow) {
  const warning = message.warningBy(ref);
  const button = h(`button.button${style === "danger" || style === "primary" ? `.${style}` : ""}`, {
    type: "button",
    "aria-label": spokenLabel,
    "data-block": ref.block,
    "data-action": ref.action,
  }, label);
  button.addEventListener("click", async () => {
    if (button.ariaBusy === "true" || (question && !(await ask(question, message.names)))) return;
    button.ariaBusy = "true"; // until the app has acknowledged it
    button.parentElement?.querySelector(".warning")?.remove();
    if (follow) follow();
    await message.send(ref);
    button.ariaBusy = null;
  });
  return h("span.pressable", {}, button, warning && h("span.warning", {}, shown("⚠"), spoken("Warning: "), h("span", {}, warning)));
}
