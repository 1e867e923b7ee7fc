// Wires the page: what comes from the demo is shown, what the person does goes back.

import { Composer } from "./channel/composer.js";
import { wordsOf } from "./channel/message.js";
import { Messages } from "./channel/messages.js";
import { Sidebar, label } from "./channel/sidebar.js";
import { Connection } from "./connection.js";
import { byId, h, setText } from "./dom.js";
import { notice } from "./notices.js";
import { Agents } from "./demo/agents.js";
import { Guide } from "./demo/guide.js";
import { KeyNote } from "./demo/key_note.js";
import { Switches } from "./demo/switches.js";
import { Modals } from "./views/modals.js";
import { Space } from "./views/space.js";

let view = null; // Slack, as the person sees it
let channelId = null; // the conversation that is open
let inApp = false; // whether it is the app's space
let thread = null; // the message whose thread the composer writes to
let steps = {}; // of the guide, as they are now
let run = null; // the number of the demo that is shown

const connection = new Connection(location.hash.slice(1), {
  slack(latest) {
    byId("starting").hidden = true;
    byId("columns").hidden = false;
    const isOther = view !== null && view.me !== latest.me;
    view = latest;
    if (isOther && inApp && view.app) space.enter();
    else show();
    guide.show(steps);
  },
  demo(demo) {
    steps = demo.steps;
    guide.show(steps);
    agents.show(demo.agents, demo.fleet, demo.auto_pause);
    keyNote.show(demo.key_to_set);
    switches.show(demo.switches, demo.bot);
  },
  run(number) {
    if (run !== null && run !== number) location.reload(); // another one has begun
    run = number;
  },
  lost: () => (byId("lost").hidden = false),
  back: () => (byId("lost").hidden = true),
});
const order = async (kind, details) => {
  const problem = await connection.order(kind, details);
  notice(problem);
  return problem;
};

const messages = new Messages(order, replyTo);
const sidebar = new Sidebar((id) => open(id));
const composer = new Composer((line) => {
  if (!thread) messages.goToEnd();
  return order("enter", { channel: channelId, line, thread_ts: thread?.ts ?? "" });
});
const space = new Space(order, () => show());
const modals = new Modals((kind, details) => connection.order(kind, details));
const guide = new Guide((ts) => messages.reveal(ts) || view?.channels.some(({ id, messages }) => id !== channelId && messages.some((one) => one.ts === ts)));
const keyNote = new KeyNote();
const agents = new Agents(order, (sessionId) => {
  look("channel");
  if (!byId("composer").checkVisibility()) open(view.channels[0].id);
  composer.insert(sessionId);
});
const switches = new Switches((name, on) => order("switch", { name, on }));

byId("skip").addEventListener("click", (event) => {
  event.preventDefault(); // the fragment of the address says who acts
  look("channel");
  if (space.isHome) byId("home").focus();
  else composer.focus();
});
byId("reset").addEventListener("click", async () => {
  byId("reset").ariaBusy = "true";
  setText(byId("reset"), "Starting over…");
  history.replaceState(null, "", location.pathname); // the page that comes is the first person's
  await order("reset");
  byId("reset").ariaBusy = null;
  setText(byId("reset"), "Reset");
});
byId("shortcut").addEventListener("click", () => order("global_shortcut", { name: "anchor_pause_an_agent" }));
byId("raise-storm").addEventListener("click", () => order("storm"));
byId("stop-replying").addEventListener("click", () => replyTo(null));
byId("to-demo").addEventListener("click", () => turn("demo", "to-channel"));
byId("to-channel").addEventListener("click", () => turn("channel", "to-demo"));

function show() {
  const wanted = inApp && view.app ? view.app.channel : channelId;
  const channel = view.channels.find(({ id }) => id === wanted) ?? view.channels[0];
  channelId = channel.id;
  inApp = channelId === view.app?.channel;
  thread = channel.messages.find(({ ts }) => ts === thread?.ts) ?? null;
  const context = { names: { users: view.users, channels: view.channel_names }, slack: view };
  space.show(inApp ? view.app : null, context);
  sidebar.show(view, channel, !space.isHome);
  showPeople();
  showHead(channel);
  messages.show(channel, view);
  showThread();
  modals.show(view.modals, context);
}

function showHead(channel) {
  const name = label(channel);
  setText(byId("channel-name"), name);
  const members = inApp ? "App" : channel.kind === "dm" ? "Direct messages" : `${channel.members} members`;
  setText(byId("channel-about"), channel.has_external ? `${members}, some of another workspace` : members);
  setText(byId("empty"), channel.has_composer ? `This is the very beginning of ${name}. Commands work here too.` : "Results that can't be posted where they belong come here.");
  byId("composer").hidden = !channel.has_composer;
  byId("no-composer").hidden = channel.has_composer;
  document.title = `${name} · Anchor demo`;
}

function showPeople() {
  const choices = byId("people");
  if (choices.childElementCount === 1) {
    for (const person of view.people) {
      const choice = h("input", { type: "radio", name: "person", value: person.id, onchange: () => act(person) });
      choices.append(h("label", { title: about(person) },
        choice, h("span", {}, person.name), person.is_external && h("span.tag.external", {}, "External")));
    }
  }
  for (const choice of choices.querySelectorAll("input")) choice.checked = choice.value === view.me;
}

const about = ({ workspace, is_admin, is_external }) =>
  is_external ? "Of another workspace, in #alerts through Slack Connect" : `${is_admin ? "An admin" : "A member"} of ${workspace}`;

function act(person) {
  history.replaceState(null, "", `#${person.id}`);
  thread = null;
  connection.act(person.id);
}

function open(id) {
  channelId = id;
  inApp = id === view.app?.channel;
  if (inApp) return space.enter();
  show();
  composer.focus();
}

function replyTo(message) {
  thread = message;
  showThread();
  composer.focus();
}

function showThread() {
  byId("replying").hidden = !thread;
  const names = { users: view.users, channels: view.channel_names };
  if (thread) setText(byId("replying-to"), `In the thread of: ${wordsOf(thread, names).split("\n")[0]}`);
  const place = thread ? "Reply in the thread" : `Message ${label(view.channels.find(({ id }) => id === channelId))}`;
  composer.show(view.commands, `${place} as ${view.users[view.me].name}`);
}

/** On a narrow screen: show the other half, and stand where one comes from. */
function turn(half, back) {
  look(half);
  byId(back).focus();
}

function look(half) {
  document.body.dataset.view = half;
}
