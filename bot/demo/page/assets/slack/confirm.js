// The dialog that a button may ask for. https://docs.slack.dev/reference/block-kit/composition-objects/confirmation-dialog-object

import { byId } from "../dom.js";
import { giveFocusBack } from "../focus.js";
import { textObject } from "./mrkdwn.js";

let settle = () => {}; // the question that was asked last

/** Ask, and resolve to whether the person went on. `question` has title, text, confirm and deny as text objects, and a style. */
export function ask(question, names) {
  const dialog = byId("confirm");
  settle(); // its dialog may have closed, and its event has not arrived yet
  byId("confirm-title").replaceChildren(...textObject(question.title, names));
  byId("confirm-text").replaceChildren(...textObject(question.text, names));
  byId("confirm-deny").replaceChildren(...textObject(question.deny, names));
  const ok = byId("confirm-ok");
  ok.replaceChildren(...textObject(question.confirm, names));
  ok.className = `button ${question.style ?? "primary"}`;
  const asker = document.activeElement;
  dialog.returnValue = "";
  dialog.showModal();
  ok.focus();
  dialog.onclose = () => dialog.open || settle();
  return new Promise((resolve) => {
    settle = () => {
      settle = () => {};
      if (!asker.isConnected) giveFocusBack(asker); // it was redrawn meanwhile
      resolve(dialog.returnValue === "confirm");
    };
  });
}
