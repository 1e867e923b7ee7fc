"""The app's Home: usage, the workspace's settings, and for admins the buttons to change them.

https://docs.slack.dev/surfaces/app-home
"""

from dataclasses import dataclass

from bot.core.policy import Role
from bot.core.requests import Verb
from bot.core.workspace import AnchorKey, KeyCheck, Workspace
from bot.messages import home_elements
from bot.messages.admin_notices import named_key
from bot.messages.blocks import Block, actions, context, header, section
from bot.messages.markup import channel, mention, moment
from bot.messages.policy import who_may
from bot.messages.usage import COMMANDS
from bot.messages.view import View

_DIVIDER: Block = {"type": "divider"}
_PAUSE, _RESUME = COMMANDS[Verb.PAUSE], COMMANDS[Verb.RESUME]
_USAGE = (
    "When the AI agent of an Anchor Browser session goes wrong, anybody who may can stop it within seconds:\n"
    f"• `{_PAUSE} &lt;session_id&gt; [reason]` pauses the agent, and posts the outcome in the channel.\n"
    "• The *Pause* button on an alert does the same, also in threads, where Slack takes no commands.\n"
    f"• `{_RESUME} &lt;session_id&gt; [reason]` lets a paused agent go on.\n"
    "The session id is in the alert, in the session's URL and in Anchor's dashboard. Pausing twice does no harm."
)
_STATES = {
    KeyCheck.VERIFIED: "✅ A key {named} is set, and Anchor accepts it.",
    KeyCheck.UNVERIFIED: "⚠️ A key {named} is set, but it is *not verified*: Anchor has not said yet whether it is "
    "good. The first pause or resume will show.",
    KeyCheck.REFUSED: "⛔ A key {named} is set, but *Anchor refuses it*: nobody can pause or resume until it is "
    "replaced.",
}
_NO_KEY = "⛔ *No key is set*, so nobody can pause or resume yet. The key is in Anchor's dashboard, under API keys."
_ADMIN_SETS = " An admin or owner of this workspace can set it here."
_WHO_SETS = {
    Role.SCOPE_MISSING: " An admin or owner of this workspace can set it here, once the app is installed again."
}
_BY_OPERATOR = "the operator of this bot"
_NEVER = "Guests, bots and people of other companies never may."
_UNREADABLE = (
    "⚠️ This app was installed *without the scope `users:read`*. It can't tell guests from members, nor who is an "
    "admin, so nobody can change these settings here. An admin should install the app again; everything is kept."
)
_NEVER_UNREADABLE = (
    "People of other companies never may. Guests may as well, while this app can't tell them from members."
)
_FOOTERS = {
    Role.ADMIN: "You are an admin of this workspace, so you can change all this here. Others see the same without "
    "buttons.",
    Role.UNKNOWN: "Slack does not say just now whether you are an admin of this workspace. If you are, open this tab "
    "again in a minute to change all this.",
    Role.SCOPE_MISSING: "Once it is installed again, admins and owners of this workspace can change all this here.",
}
_FOR_OTHERS = "Admins and owners of this workspace can change all this in their Home tab of this app."
_UNMANAGED = "The operator of this bot sets all this in its settings. Ask the operator to change it."


@dataclass(frozen=True, slots=True)
class Notice:
    """The outcome (`text`, mrkdwn) of the element with that `action_id`, which the person just used.

    A sticky one describes what is still to be done, and stays for a while.
    """

    action_id: str
    text: str
    is_sticky: bool = False


@dataclass(frozen=True, slots=True)
class Home:
    """Everything that a person's Home depends on. `render_id` differs each time it is published."""

    workspace: Workspace
    role: Role
    render_id: str
    notice: Notice | None = None

    @property
    def can_edit(self) -> bool:
        """Return whether this person gets the buttons for changes."""
        return self.workspace.is_managed and self.role is Role.ADMIN


def home_view(home: Home) -> View:
    """Return the whole tab."""
    return View(
        (
            header("The emergency brake for Anchor's agents"),
            section(_USAGE),
            _DIVIDER,
            *_noticed(home, home_elements.REMOVE_KEY),
            *_about_key(home),
            _DIVIDER,
            *_about_policy(home),
            _DIVIDER,
            *_noticed(home, home_elements.ALERTS_CHANNEL, home_elements.TEST_ALERT),
            *_about_alerts(home),
            _DIVIDER,
            *([section(_UNREADABLE)] if home.role is Role.SCOPE_MISSING else []),
            context(_footer(home)),
        )
    )


def _noticed(home: Home, *action_ids: str) -> list[Block]:
    """Return the notice for one of these elements, which is shown beside it."""
    notice = home.notice
    return [section(notice.text)] if notice and notice.action_id in action_ids else []


def _about_key(home: Home) -> list[Block]:
    key = home.workspace.anchor_key
    if key is None:
        levers = [home_elements.set_key_button("Set")]
        state = f"{_NO_KEY}{'' if home.can_edit else _WHO_SETS.get(home.role, _ADMIN_SETS)}"
    else:
        levers = [
            home_elements.set_key_button("Replace"),
            home_elements.remove_key_button(home.workspace.key_version, key.ending),
        ]
        state = f"{_STATES[key.check].format(named=named_key(key))}\n{_set_by(key)}"
    return [section(f"*Anchor API key*\n{state}"), *([actions(*levers)] if home.can_edit else [])]


def _set_by(key: AnchorKey) -> str:
    who = mention(key.set_by) if key.set_by else _BY_OPERATOR
    return f"Set by {who}{f', {moment(key.set_at)}' if key.set_at is not None else ''}."


def _about_policy(home: Home) -> list[Block]:
    policy = home.workspace.policy
    lines = [section(who_may(verb, policy.of(verb))) for verb in Verb]
    never = _NEVER_UNREADABLE if home.role is Role.SCOPE_MISSING else _NEVER
    return [*lines, context(never), *([actions(home_elements.change_policy_button())] if home.can_edit else [])]


def _about_alerts(home: Home) -> list[Block]:
    chosen = home.workspace.alerts_channel
    takes_any = home.workspace.alerts_token_digest is not None
    where = f"go to {channel(chosen)}" if chosen else "go nowhere yet: no channel is chosen"
    programs = "A program that has the token can post one." if takes_any else "No token for programs was made yet."
    text = f"*Alerts* {where}. {programs}"
    if not home.can_edit:
        return [section(text)]
    test = [home_elements.test_alert_button()] if chosen else []
    return [
        section(text, accessory=home_elements.alerts_channel_select(chosen)) | {"block_id": f"alerts_{home.render_id}"},
        actions(*test, home_elements.alerts_token_button()),
    ]


def _footer(home: Home) -> str:
    if not home.workspace.is_managed:
        return _UNMANAGED
    return _FOOTERS.get(home.role, _FOR_OTHERS)
