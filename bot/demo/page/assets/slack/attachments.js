// Legacy attachments, as Alertmanager and others send them. https://docs.slack.dev/legacy/legacy-messaging/legacy-secondary-message-attachments

import { h, link } from "../dom.js";
import { drawBlocks } from "./blocks.js";
import { legacyButton } from "./buttons.js";
import { fullMoment } from "./dates.js";
import { mrkdwn } from "./mrkdwn.js";

const COLOURS = { good: "#2eb67d", warning: "#ecb22e", danger: "#e01e5a" };

export const drawAttachments = (attachments, message) => attachments.map((attachment) => drawAttachment(attachment, message));

function drawAttachment(attachment, message) {
  const text = (value) => mrkdwn(String(value), message.names);
  const body = h("div.attachment", {},
    attachment.author_name && h("p.attachment-small", {}, attachment.author_name),
    attachment.title && h("p.attachment-title", {}, link("a", attachment.title_link, text(attachment.title))),
    attachment.text && h("div", {}, text(attachment.text)),
    attachment.fields && h("div.fields", {}, attachment.fields.map((field) => drawField(field, text))),
    attachment.blocks && drawBlocks(attachment.blocks, message),
    attachment.actions && h("div.actions", {}, attachment.actions.map((action) => legacyButton(action, attachment, message))),
    foot(attachment, text),
  );
  if (!body.childElementCount && attachment.fallback) body.append(...text(attachment.fallback));
  const colour = colourOf(attachment.color);
  if (colour) body.style.setProperty("--bar", colour);
  return [attachment.pretext && h("div", {}, text(attachment.pretext)), body];
}

const drawField = (field, text) =>
  h(`div${field.short ? "" : ".wide"}`, {}, field.title && h("strong", {}, text(field.title)), field.title && h("br"), text(field.value ?? ""));

function foot({ footer, ts }, text) {
  const moment = new Date(Number(ts) * 1000);
  const when = ts && !Number.isNaN(moment.getTime()) && fullMoment(moment);
  if (!footer && !when) return null;
  return h("p.attachment-small", {}, footer && text(footer), footer && when && " · ", when);
}

function colourOf(colour) {
  if (!colour) return null;
  if (Object.hasOwn(COLOURS, colour)) return COLOURS[colour];
  return /^#?[0-9a-f]{6}$/i.test(colour) ? `#${colour.replace("#", "")}` : null;
}
