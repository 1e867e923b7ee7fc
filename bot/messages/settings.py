"""The modals in which admins change settings, the replies, and the notices to the other admins."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.core.orders import Verb
from bot.core.permissions import PAUSE_SEVERAL, Policy, Role, Rule
from bot.core.sessions import NotRead
from bot.core.workspace import AnchorKey, Workspace
from bot.messages import buttons
from bot.messages.blocks import Block, Message, View, element, ephemeral, input_block, one_of, preformatted, section
from bot.messages.cards import refused_by_slack
from bot.messages.markup import IN_HOME, MOST_NAMED, channel, code, does, group, mention, who_can_what
from bot.messages.outcomes import DOING

KEY = "key"  # the input of the modal for the key; block and element have the same name
WHO = {Verb.PAUSE: "pause_who", PAUSE_SEVERAL: "several_who", Verb.RESUME: "resume_who", Verb.END: "end_who"}
USERS = {Verb.PAUSE: "pause_users", PAUSE_SEVERAL: "several_users", Verb.RESUME: "resume_users", Verb.END: "end_users"}
CHANNELS = {Verb.PAUSE: "pause_channels", Verb.RESUME: "resume_channels"}  # the inputs of the modal for the policy
EVERYONE, SELECTED, NOBODY, ADMINS = "everyone", "selected", "nobody", "admins"
_EVERYONE = {EVERYONE: "Everyone in this workspace", SELECTED: "Selected people"}
CHOICES = {
    Verb.PAUSE: _EVERYONE,
    PAUSE_SEVERAL: _EVERYONE | {EVERYONE: "Everyone who can pause"},
    Verb.RESUME: _EVERYONE,
    Verb.END: {NOBODY: "Nobody", ADMINS: "Admins and owners", SELECTED: "Selected people"},
}
"""The values of WHO, with their labels; only with SELECTED do USERS count."""

TITLES = {
    buttons.SET_KEY: "Anchor API key",
    buttons.CHANGE_POLICY: "Permissions",
    buttons.ALERTS_TOKEN: "New alert token",
    buttons.ALERTS_SENDER: "Alert token",
    buttons.HISTORY: "Last 30 days",
    buttons.PAUSE_SEVERAL: "Pause agents",
}
"""The titles of windows by `callback_id`, which is also the `action_id` of the button."""

_ABOUT_KEY = (
    "Paste the API key of your workspace's Anchor account. You find it in Anchor's dashboard, under API keys. The bot "
    "tries it with Anchor, stores it encrypted, and uses it for this workspace only. Nobody is shown more than its "
    "last four characters."
)
_ABOUT_TYPING = "Slack shows it while you type: make sure that nobody else sees your screen."
_LONGEST_KEY = 1000
MEMBERS_ONLY = "Full members only: guests, bots and other companies never can."
_ABOUT_POLICY = f"{MEMBERS_ONLY} Admins are no exception: if you select people, select yourself, too."

_ABOUT_END = (
    "*End session* closes the session's browser, and its pages and the agent's run are lost. The button is on results "
    "that Anchor did not confirm, on those of outside programs, on reminders, and on paused sessions."
)

CHECKING = "⏳ Checking… You can close this window: the answer then comes as a direct message."
NOBODY_SELECTED = "Select at least one person, or choose another option."

_NOT_CHANGED = "⚠️ *Nothing was changed:*"
_RIGHTS = {Role.UNKNOWN: "Slack did not say whether you are an admin of this workspace. Try again in a minute."}


def key_modal(workspace: Workspace) -> View:
    """Return the modal that asks for a key."""
    before, key = workspace.anchor_key, element("plain_text_input", KEY, max_length=_LONGEST_KEY, focus_on_load=True)
    blocks = (
        section(_ABOUT_KEY),
        *([section(f"It replaces the key {named_key(before)}.")] if before else []),
        input_block("API key", key, optional=False, hint=_ABOUT_TYPING),
    )
    return form(buttons.SET_KEY, workspace.key_version, "Save", *blocks)


def policy_modal(workspace: Workspace) -> View:
    """Return the modal for the policy, filled in with the current one."""
    policy = workspace.policy
    blocks = (
        section(_ABOUT_POLICY),
        *_rule_inputs(Verb.PAUSE, policy.pause),
        *_people_inputs(PAUSE_SEVERAL, policy.pause_several),
        *_rule_inputs(Verb.RESUME, policy.resume),
        section(_ABOUT_END),
        *_people_inputs(Verb.END, None if policy.end is None else policy.end.users),
    )
    return form(buttons.CHANGE_POLICY, workspace.policy_version, "Save", *blocks)


def form(name: str, version: int, submit: str, *blocks: Block, about: str = "") -> View:
    """Return a modal for a change of what the person saw, in this version; `about` is what it changes of several."""
    seen = f"{version} {about}".rstrip()
    return View(blocks, title=TITLES[name], submit=submit, close="Cancel", callback_id=name, seen=seen)


def _people_inputs(what: str, users: Collection[str] | None) -> list[Block]:
    """Return the inputs for who can do something: people, or if there are none those that are meant; None is nobody."""
    choices = CHOICES[what]
    chosen = NOBODY if users is None else SELECTED if users else next(iter({EVERYONE, ADMINS} & choices.keys()))
    selected = {"max_selected_items": MOST_NAMED, "initial_users": sorted(users or ())}
    people = element("multi_users_select", USERS[what], "Select people", **selected)
    return [
        input_block(f"Who can {does(what)}", one_of("radio_buttons", WHO[what], choices, chosen), optional=False),
        input_block(f"Selected people who can {does(what)}", people),
    ]


def _rule_inputs(verb: Verb, rule: Rule) -> list[Block]:
    kinds = {"include": ["public", "private"], "exclude_bot_users": True}
    places = buttons.channels_select(CHANNELS[verb], "Anywhere in Slack", rule.channels, kinds)
    return [
        *_people_inputs(verb, rule.users),
        input_block(f"Channels where {DOING[verb].lower()} is allowed", places),
    ]


def answer_view(title: str, text: str, *copyable: str) -> View:
    """Return a modal that shows only a text, and below it texts to copy."""
    return View((section(text), *map(preformatted, copyable)), title=title)


@dataclass(frozen=True, slots=True)
class Reply:
    """A text for the modal: at the inputs `fields`, or in place of the content, with texts to copy below it.

    A direct message has `dm_text` or else `text`. The log has `outcome`. The other admins read what was `changed`.
    If it `closes`, the modal is closed, and shows the text only if that comes late.
    """

    outcome: str
    text: str
    fields: tuple[str, ...] = ()
    copyable: tuple[str, ...] = field(default=(), repr=False)
    dm_text: str = ""
    changed: str = ""
    closes: bool = False

    def notice(self, by: str) -> Message:
        """Return the notice that an admin did it."""
        advice = f"If that was not meant, it can be changed {IN_HOME}."
        return ephemeral(f"⚙️ *Changed* by {mention(by)}.", self.changed, advice)

    def view(self, name: str) -> View:
        """Return the modal with this `callback_id` and the text as its content."""
        return answer_view(TITLES.get(name, "Anchor"), self.text, *self.copyable)

    def response(self, name: str) -> dict[str, Any]:
        """Return the answer to the submission of the modal with this `callback_id`."""
        # https://docs.slack.dev/surfaces/modals#handling_submissions
        if self.fields:
            return {"response_action": "errors", "errors": dict.fromkeys(self.fields, self.text)}
        if self.closes:  # also those below
            return {"response_action": "clear"}
        return {"response_action": "update", "view": self.view(name).as_json()}


ONE_MOMENT = Reply("Placeholder", "⏳ One moment…")


def saved(outcome: str, changed: str) -> Reply:
    """Return the reply to a change that was saved."""
    return Reply(outcome, f"✅ *Saved.* {changed}", changed=changed)


NOT_SERVED = Reply(
    "NotServed", f"{_NOT_CHANGED} this app is no longer installed in this workspace. An admin can install it again."
)
OUTDATED = Reply(
    "Outdated",
    f"{_NOT_CHANGED} this setting was changed after you opened it, by somebody else or by you. Look at the Home tab, "
    "and try again if it is still needed.",
)
NOT_SAVED = Reply(
    "StoreUnavailable",
    "⚠️ *It is not known whether this was saved*: the bot's database does not answer. Look at the Home tab in a "
    "minute, and try again if needed.",
)
NOT_A_KEY = Reply("NotAKey", "This is no key: it is empty, or has characters that no key has. Copy it again.", (KEY,))
NO_CHANNEL = Reply("NoChannel", f"{_NOT_CHANGED} no alert channel is chosen.")


def not_admin(role: Role) -> Reply:
    """Return the reply to a person who is only `role`."""
    text = _RIGHTS.get(role, "only admins and owners of this workspace can do that.")
    return Reply("NotAdmin", f"{_NOT_CHANGED} {text}")


def key_saved(key: AnchorKey) -> Reply:
    """Return the reply to a key that was saved."""
    return saved("KeySaved", f"The Anchor key is now the one {named_key(key)}: Anchor accepts it.")


def key_not_accepted(problem: NotRead) -> Reply:
    """Return the reply to a key that was not saved because of Anchor's answer."""
    answer = "no answer" if problem.status_code is None else f"answer {problem.status_code}"
    why, advice = f"Anchor did not say whether it accepts this key ({answer})", "Try again in a minute."
    if problem.is_key_refused:
        why, advice = f"Anchor refuses this key ({problem.status_code})", "Copy it again from Anchor's dashboard."
    outcome = "NewKeyRejected" if problem.is_key_refused else "NewKeyUnverified"
    return Reply(outcome, f"{why}, so it was not saved. {advice}", (KEY,))


def policy_saved(policy: Policy) -> Reply:
    """Return the reply to a change of the policy."""
    return saved("PolicySaved", "\n".join(["Permissions from now on:", *who_can_what(policy)]))


def alert_posted(channel_id: str) -> Reply:
    """Return the reply to a test alert that was posted; alerts go to its channel."""
    goes = f"Alerts go to {channel(channel_id)}."
    return Reply("AlertPosted", f"✅ *Test alert posted.* {goes}", changed=goes)


def alert_not_posted(channel_id: str, code_of_slack: str) -> Reply:
    """Return the reply to a test alert that Slack refused, or did not answer ("")."""
    name = channel(channel_id)
    why = f"Slack did not answer. Perhaps the test alert was posted in {name}. Try again in a minute."
    return Reply("AlertNotPosted", f"{_NOT_CHANGED} {refused_by_slack(code_of_slack, name) if code_of_slack else why}")


NOT_A_GROUP = Reply(
    "NotAGroup",
    f"{_NOT_CHANGED} this is not the id of a user group, nor a list like C…=S…,C…=S…,S… of at most 20, each channel "
    "once. In Slack: More, People, User groups, ⋮, Copy group ID.",
)


def about_groups(groups: Mapping[str, str]) -> str:
    """Return whom critical alerts mention: the user group of each channel."""
    others = "other channels" if len(groups) > 1 else "all channels"
    named = [f"{group(one)} in {channel(where) if where else others}" for where, one in groups.items()]
    return f"Critical alerts mention {', '.join(named) or 'nobody'}."


def groups_saved(groups: Mapping[str, str]) -> Reply:
    """Return the reply to a change of the user groups."""
    often = " Each one at most once in 10 minutes and channel." if groups else ""
    return saved("GroupSaved", f"{about_groups(groups)}{often}")


def named_key(key: AnchorKey) -> str:
    """Name the key by its last characters, if it is long enough to show some."""
    return f"ending {code(key.ending)}" if key.ending else "(too short to show its end)"


def key_refused_message(key: AnchorKey) -> Message:
    """Return the notice that Anchor rejects the key."""
    return ephemeral(
        f"⚠️ Anchor refuses this workspace's API key {named_key(key)}: nobody can pause or resume a session from Slack.",
        "The Home tab of this app says who can replace it.",
    )
