// One message: who, when, what, and what was answered in its thread.

import { h, shown, spoken } from "../dom.js";
import { drawAttachments } from "../slack/attachments.js";
import { drawBlocks } from "../slack/blocks.js";
import { fullMoment, timeOfDay } from "../slack/dates.js";
import { mrkdwn, plainText, unescape } from "../slack/mrkdwn.js";
import { overflow } from "../views/overflow.js";

/** The element of a message. `context` has names, send(ref), reply() or null, and shortcuts with use(shortcut). With the class "follows" it is drawn as one with the message before it. */
export function drawMessage(message, context) {
  const author = context.names.users[message.user] ?? { name: "Slackbot", is_bot: true };
  return h(`div.message${message.is_ephemeral ? ".ephemeral" : ""}`, {},
    message.is_ephemeral && h("p.only-you", {}, shown("◉ "), "Only visible to you"),
    h("div.gutter", {}, avatar(author)),
    h("div.body", {},
      h("p.byline", {},
        h("span.author", {}, author.name),
        author.is_bot && h("span.tag", {}, "App"),
        author.is_external && h("span.tag.external", { title: "Of another workspace, here through Slack Connect" }, "External"),
        moment(message.at),
      ),
      h("div.content", {}, content(message, context)),
    ),
    tools(context),
  );
}

/** What one can do with a message: answer it, and use a shortcut of the app on it. */
function tools({ reply, shortcuts, use, names }) {
  if (!reply && !shortcuts.length) return null;
  const options = shortcuts.map(({ name, callback_id }) => ({ text: { type: "plain_text", text: name }, value: callback_id }));
  const menu = { action_id: "shortcuts", label: "Shortcuts", sign: "⋮", options };
  return h("div.tools", {},
    reply && h("button.quiet.reply", { type: "button", onclick: reply }, "Reply in thread"),
    shortcuts.length > 0 && overflow(menu, {}, { names, send: ({ choice }) => use(choice) }),
  );
}

/** What a message says in a line or a voice. */
export const wordsOf = ({ text, attachments }, names) =>
  plainText(text || attachments.map((one) => one.fallback ?? one.title ?? one.text ?? "").join("\n"), names);

function content(message, context) {
  if (message.source === "typed") return h("code.typed", {}, unescape(message.text));
  const drawn = [
    message.blocks.length ? drawBlocks(message.blocks, context) : message.text && h("div", {}, mrkdwn(message.text, context.names)),
    drawAttachments(message.attachments, context),
  ];
  // Slack marks what was edited only where there are no blocks
  return message.is_edited && !message.blocks.length ? [drawn, h("span.edited", {}, "(edited)")] : drawn;
}

function moment(seconds) {
  const date = new Date(seconds * 1000);
  return h("time.moment", { datetime: date.toISOString(), title: fullMoment(date) }, timeOfDay(date));
}

function avatar(author) {
  if (author.is_bot) return h("img.avatar", { src: author.id ? "favicon.svg" : "slackbot.svg", alt: "", width: 36, height: 36 });
  return h("span.avatar.initial", { "aria-hidden": "true", "data-hue": hue(author.name) }, author.name[0].toUpperCase());
}

const hue = (name) => [...name].reduce((sum, letter) => sum + letter.codePointAt(0), 0) % 4;
