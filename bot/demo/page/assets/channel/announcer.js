// Tells screen readers what came, in the words of the messages' texts.

import { byId, h } from "../dom.js";
import { wordsOf } from "./message.js";

const MAX_SENTENCES = 10; // sentences that can be read again

/** Say what is new; `names` are those for the ids in it. */
export function announce(messages, names) {
  const region = byId("announcer");
  region.append(...messages.map((message) => h("p", {}, sentence(message, names))));
  while (region.childElementCount > MAX_SENTENCES) region.firstElementChild.remove();
}

/** Forget what was said: it is of another conversation. */
export const hush = () => byId("announcer").replaceChildren();

function sentence(message, names) {
  const author = names.users[message.user]?.name ?? "Slackbot";
  const how = message.revision ? "changed a message: " : message.warns ? "by the button: " : message.is_ephemeral ? "to you alone: " : "";
  return `${author}: ${how}${wordsOf(message, names)}`;
}
