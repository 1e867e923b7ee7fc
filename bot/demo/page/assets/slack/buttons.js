// Buttons of messages: Block Kit's and legacy ones. A click asks first where it should, and waits for the app's ack.

import { h, isAddress, link, shown, spoken } from "../dom.js";
import { ask } from "./confirm.js";
import { textObject } from "./mrkdwn.js";

const plain = (text) => ({ type: "plain_text", text });

/** A Block Kit button. https://docs.slack.dev/reference/block-kit/block-elements/button-element */
export function blockButton(element, block, message) {
  const ref = { order: "click", block: block.block_id, action: element.action_id };
  const follow = isAddress(element.url) && (() => open(element.url, "_blank", "noopener,noreferrer"));
  return pressable(message, ref, textObject(element.text, message.names), element, element.confirm, follow);
}

/** A legacy button, link or menu. https://api.slack.com/legacy/interactive-message-field-guide */
export function legacyButton(action, attachment, message) {
  const label = textObject(plain(action.text), message.names);
  if (action.type === "select") return still(label);
  if (action.url) return link("a.button", action.url, label);
  const { confirm } = action;
  const question = confirm && {
    title: plain(confirm.title ?? "Are you sure?"),
    text: plain(confirm.text),
    confirm: plain(confirm.ok_text ?? "Okay"),
    deny: plain(confirm.dismiss_text ?? "Cancel"),
  };
  const ref = { order: "press", block: String(attachment.id), action: String(action.id) };
  return pressable(message, ref, label, action, question, null);
}

/** What this page can show, but not operate: menus, pickers, boxes. */
export const stillElement = (element, message) =>
  still(textObject(element.placeholder ?? element.initial_option?.text ?? plain(element.type), message.names));

const still = (label) => h("button.button", { type: "button", disabled: true }, label, " ", shown("▾"));

/** What stands by a button whose press came to nothing. */
export const drawWarning = (text) => h("span.warning", {}, shown("⚠"), spoken("Warning: "), h("span", {}, text));

function pressable(message, ref, label, { style, accessibility_label: spokenLabel }, question, follow) {
  const button = h(`button.button${style === "danger" || style === "primary" ? `.${style}` : ""}`, {
    type: "button",
    "aria-label": spokenLabel,
    "data-block": ref.block,
    "data-action": ref.action,
  }, label);
  button.addEventListener("click", async () => {
    if (button.ariaBusy === "true" || (question && !(await ask(question, message.names)))) return;
    button.ariaBusy = "true"; // until the app has acknowledged it
    if (follow) follow();
    await message.send(ref);
    button.ariaBusy = null;
  });
  return h("span.pressable", {}, button);
}
