// The key of a workspace that has none in the bot yet, for somebody to copy and to set in the app's Home.

import { byId, setText } from "../dom.js";

const COPIED_SHOWN_FOR = 2000; // milliseconds

export class KeyNote {
  constructor() {
    byId("copy-key").addEventListener("click", async () => {
      await navigator.clipboard.writeText(byId("key-to-set-key").textContent);
      setText(byId("copy-key"), "Copied");
      setTimeout(() => setText(byId("copy-key"), "Copy"), COPIED_SHOWN_FOR);
    });
  }

  /** Show it; nothing for null. */
  show(note) {
    byId("key-to-set").hidden = !note;
    if (!note) return;
    setText(byId("key-to-set-about"), `${note.workspace}'s Anchor API key, to be set in the app's Home:`);
    setText(byId("key-to-set-key"), note.key);
  }
}
