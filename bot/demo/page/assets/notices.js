// Short notices about the demo itself, which go away by themselves.

import { byId, h } from "./dom.js";

const STAYS = 8000; // milliseconds

/** Show what went wrong; nothing for "". */
export function notice(problem) {
  if (!problem) return;
  const element = h("div.notice", {}, problem);
  byId("notices").append(element);
  setTimeout(() => element.remove(), STAYS);
}
