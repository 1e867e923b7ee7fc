// What a menu offers to a person, its own options or people or conversations, and how that is called.
// https://docs.slack.dev/reference/block-kit/composition-objects/conversation-filter-object

import { label } from "../channel/sidebar.js";
import { unescape } from "../slack/mrkdwn.js";

const KINDS = { public: "public", private: "private", dm: "im" };

/** Everything that can be chosen, as {id, name}; `slack` is Slack as the person sees it. */
export function offers(element, slack) {
  if (element.options) return element.options.map((option) => ({ id: option.value, name: textOf(option) }));
  return element.type.endsWith("users_select") ? people(slack) : conversations(element.filter ?? {}, slack);
}

/** How something is called that may not be offered any more, or not to this person. */
export function nameIn(element, id, slack) {
  if (element.options) return textOf(element.options.find(({ value }) => value === id));
  if (element.type.endsWith("users_select")) return slack.users[id]?.name ?? id;
  const channel = slack.channels.find((one) => one.id === id);
  return channel ? label(channel) : slack.channel_names[id] ? `#${slack.channel_names[id]}` : id;
}

const textOf = ({ text }) => unescape(text.text);

const people = ({ users }) => Object.values(users).filter(({ is_deleted }) => !is_deleted).map(({ id, name }) => ({ id, name }));

function conversations({ include, exclude_external_shared_channels: notShared, exclude_bot_users: notWithBots }, { channels }) {
  return channels
    .filter(({ kind }) => !include || include.includes(KINDS[kind]))
    .filter(({ kind, has_external }) => !(notShared && has_external && kind !== "dm"))
    .filter(({ is_with_bot }) => !(notWithBots && is_with_bot))
    .map((channel) => ({ id: channel.id, name: label(channel) }));
}
