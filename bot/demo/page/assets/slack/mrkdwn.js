// Slack's mrkdwn as elements. https://docs.slack.dev/messaging/formatting-message-text

import { h, isAddress, link } from "../dom.js";
import { formatDate, fullMoment } from "./dates.js";
import { withEmoji } from "./emoji.js";

const OPEN = "\uE000"; // between these two stands the number of a part that is done
const CLOSE = "\uE001";
const PLACE = new RegExp(`${OPEN}(\\d+)${CLOSE}`, "u");
const QUOTE = /^(?:&gt;|>) ?/;
const FORMAT = /(?<![\p{L}\p{N}*_~])([*_~])(?!\s|\1)(.*?\S)\1(?![\p{L}\p{N}])/gu;
const TAGS = { "*": "strong", _: "em", "~": "s" };
const BARE_URL = /https?:\/\/(?:&amp;|[^\s<>&|"'`\uE000])*[^\s<>&|"'`\uE000.,;:!?)\]}*_~]/g;
const BROADCASTS = ["here", "channel", "everyone"];

/** The nodes that a mrkdwn text is drawn as. `names` has `users` and `channels`, names by id; `verbatim` links nothing by itself. */
export function mrkdwn(text, names, { verbatim = false } = {}) {
  const parts = [];
  const keep = (node) => `${OPEN}${parts.push(node) - 1}${CLOSE}`;
  const marked = text
    .replace(/[\uE000\uE001]/g, "")
    .replace(/```\n?([\s\S]+?)\n?```/g, (_, code) => keep(h("pre", {}, h("code", {}, unescape(code)))))
    .replace(/`([^`\n]+)`/g, (_, code) => keep(h("code", {}, unescape(code))))
    .replace(/<([^<>\n]+)>/g, (_, token) => keep(readToken(token, names)))
    .replace(verbatim ? /(?!)/ : BARE_URL, (url) => keep(link("a", unescape(url), unescape(url))));
  return withoutGaps(quotes(marked, (line) => inline(line, parts)));
}

/** A text object of Block Kit as nodes. */
export function textObject(object, names) {
  if (object?.type === "mrkdwn") return mrkdwn(object.text, names, { verbatim: object.verbatim });
  const text = unescape(object?.text ?? "");
  return lines(text, (line) => [object?.emoji === false ? line : withEmoji(line)]);
}

/** What mrkdwn says, without its looks. */
export function plainText(text, names) {
  const said = h("div", {}, mrkdwn(text, names));
  for (const end of said.querySelectorAll("br, blockquote, pre")) end.before("\n");
  for (const block of said.querySelectorAll("blockquote, pre")) block.after("\n");
  return said.textContent.trim();
}

function quotes(text, draw) {
  const nodes = [];
  const all = text.split("\n");
  for (let at = 0; at < all.length; ) {
    const isQuote = QUOTE.test(all[at]);
    const begin = at;
    const toTheEnd = /^(?:&gt;|>){3}/.test(all[at]);
    while (at < all.length && (toTheEnd || QUOTE.test(all[at]) === isQuote)) at += 1;
    const run = all.slice(begin, at);
    if (isQuote) nodes.push(h("blockquote", {}, lines(run.map((line) => line.replace(toTheEnd ? /^(?:&gt;|>){3} ?/ : QUOTE, "")).join("\n"), draw)));
    else nodes.push(...lines(run.join("\n"), draw));
  }
  return nodes;
}

function lines(text, draw) {
  return text.split("\n").flatMap((line, number) => (number ? [h("br"), ...draw(line)] : draw(line)));
}

/** A block of code breaks the line by itself. */
function withoutGaps(nodes) {
  const isCode = (node) => node?.tagName === "PRE";
  return nodes.filter((node, at) => node.tagName !== "BR" || !(isCode(nodes[at - 1]) || isCode(nodes[at + 1])));
}

/** One line: what is formatted, whatever is formatted in that, and what stands around it. */
function inline(line, parts) {
  const nodes = [];
  let end = 0;
  for (const { 0: whole, 1: mark, 2: inner, index } of line.matchAll(FORMAT)) {
    nodes.push(...restore(line.slice(end, index), parts), h(TAGS[mark], {}, inline(inner, parts)));
    end = index + whole.length;
  }
  return [...nodes, ...restore(line.slice(end), parts)];
}

function restore(text, parts) {
  return text.split(PLACE).map((piece, number) => (number % 2 ? parts[Number(piece)] : withEmoji(unescape(piece)))).filter((piece) => piece !== "");
}

function readToken(token, names) {
  const bar = token.indexOf("|");
  const target = bar < 0 ? token : token.slice(0, bar);
  const label = bar < 0 ? "" : unescape(token.slice(bar + 1));
  const id = target.slice(1);
  if (target.startsWith("@")) return h("span.mention", {}, `@${own(names.users, id)?.name ?? (label || id)}`);
  if (target.startsWith("#")) return h("span.mention", {}, `#${own(names.channels, id) || label || id}`);
  if (target.startsWith("!")) return special(id, label);
  const url = unescape(target);
  return isAddress(url) ? link("a", url, label ? withEmoji(label) : url.replace(/^(?:mailto|tel):/i, "")) : document.createTextNode(unescape(`<${token}>`));
}

function special(target, label) {
  const [kind, ...rest] = target.split("^");
  if (kind === "date") return date(rest, label);
  if (kind === "subteam") return h("span.mention.broadcast", {}, label || `@${rest[0]}`);
  return BROADCASTS.includes(kind) ? h("span.mention.broadcast", {}, `@${kind}`) : document.createTextNode(`<${label || target}>`);
}

function date([seconds, template = "", url], fallback) {
  const moment = new Date(Number(seconds) * 1000);
  const title = Number.isNaN(moment.getTime()) ? null : fullMoment(moment);
  const text = formatDate(seconds, unescape(template), fallback);
  const shown = h("time", { title, datetime: title && moment.toISOString() }, text);
  return url ? link("a", unescape(url), shown) : shown;
}

const own = (record, key) => (Object.hasOwn(record, key) ? record[key] : undefined);

const ENTITIES = { "&amp;": "&", "&lt;": "<", "&gt;": ">" };

/** What was escaped on its way through Slack, as it was. */
export const unescape = (text) => text.replace(/&(?:amp|lt|gt);/g, (entity) => ENTITIES[entity]);
