"""The app's Home tab, and the window with the past orders of the last 30 days."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.core.journal import CHANGE, PastOrder
from bot.core.mentions import read_groups
from bot.core.orders import Verb
from bot.core.permissions import Role
from bot.core.workspace import AnchorKey, AutoPause, KeyCheck, Workspace
from bot.messages import buttons
from bot.messages.alert_tokens import about_auto_pause, token_section
from bot.messages.blocks import Block, View, actions, context, element, input_block, one_of, row, section
from bot.messages.help import HELP
from bot.messages.markup import channel, mention, moment, place, plain, session, who_can_what
from bot.messages.outcomes import DOING, past_wording
from bot.messages.settings import MEMBERS_ONLY, TITLES, about_groups, named_key

_DIVIDER: Block = {"type": "divider"}
_NO_KEY = "⛔ *Needs a key*: nobody can pause or resume yet."
_STATUS = {
    KeyCheck.VERIFIED: "✅ *Ready*: Anchor accepts the key {named}.",
    KeyCheck.UNVERIFIED: "⚠️ *Ready, but the key is not verified*: Anchor has not said yet whether it accepts the key "
    "{named}. The first pause or resume will show.",
    KeyCheck.REFUSED: "⛔ *Needs a new key*: Anchor refuses the key {named}, so nobody can pause or resume.",
}
_ADMIN_SETS = "An admin or owner of this workspace can set one in their Home tab of this app."
_OPERATOR_SETS = "The operator of this bot must set another one, in .env."
_BY_OPERATOR = "the operator of this bot"
_GROUP = "User group that alerts mention: its id, or C…=S…,C…=S…,S…, then Enter"  # Slack has no menu of user groups
_WHERE_TO_END = "They press *End session*: on a result, a reminder, a paused session's card, or in its row."
_AUDIT_GAP = (
    "⚠️ *The audit trail of this workspace has a gap*: somebody has changed it, or the database was restored. Ask the "
    "operator of this bot to run `anchor-bot journal --verify`."
)
_FOOTERS = {
    Role.ADMIN: "Only admins and owners of this workspace see the buttons and menus here.",
    Role.UNKNOWN: "Slack did not say who you are in this workspace, so you can't pause or change settings. Open this "
    "tab again in a minute. If it stays so, the operator of this bot can run `anchor-bot doctor`.",
}
_FOR_OTHERS = "Admins and owners of this workspace can change these settings in their Home tab of this app."
_UNMANAGED = "All of this is *set in .env* of this bot. Its operator can change it there."


MOST_IN_MODAL = 100
"""The most orders that the modal shows, two in a block: it has at most 100 blocks, of 3,000 characters each."""

DAYS = 30

_UNREADABLE = "⚠️ *The bot's database does not answer.* Try again later."
_MORE = f"The newest {MOST_IN_MODAL}. There are more: `anchor-bot journal` prints all."


@dataclass(frozen=True, slots=True)
class Home:
    """Everything that a person's Home depends on. `render_id` differs each time it is published."""

    workspace: Workspace
    role: Role
    render_id: str
    notice: str = ""
    """The outcome (mrkdwn) of what the person just did in Home."""
    sessions: tuple[Block, ...] = ()
    """The lists of sessions; empty for people who are not allowed to pause, and without a key."""
    has_gap: bool = False
    """For admins: whether the audit trail has one that no operator has acknowledged."""

    @property
    def can_edit(self) -> bool:
        """Return whether this person gets the controls for changes."""
        return self.workspace.is_managed and self.role is Role.ADMIN


def home_view(home: Home) -> View:
    """Return the whole tab."""
    is_about_person = home.workspace.is_managed or home.role is Role.UNKNOWN
    footer = _FOOTERS.get(home.role, _FOR_OTHERS) if is_about_person else _UNMANAGED
    return View(
        (
            *_about_key(home),
            *([section(_AUDIT_GAP)] if home.has_gap else []),
            _DIVIDER,
            *([section(home.notice)] if home.notice else []),
            *([*home.sessions, _DIVIDER] if home.sessions else []),
            *_about_alerts(home),
            _DIVIDER,
            *_about_policy(home),
            _DIVIDER,
            section(HELP.text),
            context(footer),
        )
    )


def _about_key(home: Home) -> list[Block]:
    key = home.workspace.anchor_key
    if key is None:
        button = buttons.set_key_button("Set") if home.can_edit else None
        return [section(_NO_KEY if home.can_edit else f"{_NO_KEY} {_who_sets(home)}", button)]
    text, is_refused = _STATUS[key.check].format(named=named_key(key)), key.check is KeyCheck.REFUSED
    if not home.can_edit:
        return [section(f"{text} {_who_sets(home)}" if is_refused else text), context(_set_by(key))]
    replace = buttons.set_key_button("Replace") if is_refused else buttons.plain_button(buttons.SET_KEY, "Replace key")
    return [section(text, accessory=replace), context(_set_by(key))]


def _who_sets(home: Home) -> str:
    return _ADMIN_SETS if home.workspace.is_managed else _OPERATOR_SETS


def _set_by(key: AnchorKey) -> str:
    who = mention(key.set_by) if key.set_by else _BY_OPERATOR
    return f"Set by {who}{f', {moment(key.set_at)}' if key.set_at is not None else ''}."


def _about_alerts(home: Home) -> list[Block]:
    chosen = home.workspace.alerts_channel
    where = f"*Alerts* go to {channel(chosen)}." if chosen else "*Alerts*: no channel is chosen yet."
    tokens = home.workspace.alert_tokens
    programs = "Programs that have a token can post them." if tokens else "No token for programs was made yet."
    mentioned = home.workspace.alerts_groups
    text = " ".join([where, *([about_groups(read_groups(mentioned))] if mentioned else []), programs])
    if not home.can_edit:
        lines = [text, *([] if home.workspace.auto_pause is AutoPause.OFF else [about_auto_pause(home.workspace)])]
        return [section("\n".join(lines))]
    # Slack keeps what somebody has chosen while block and element have the same ids, so a block with it needs a new
    # one when it is to show the stored one: https://docs.slack.dev/reference/views
    selected = {"filter": buttons.ALERT_CHANNELS, "initial_conversation": chosen}
    channels = element("conversations_select", buttons.ALERTS_CHANNEL, "Choose a channel", **selected)
    seen = home.workspace.auto_pause  # a value has it, too
    modes = {f"{seen} {one}": one.capitalize() for one in AutoPause}
    mode = one_of("static_select", buttons.AUTO_PAUSE, modes, f"{seen} {seen}")
    named = element("plain_text_input", buttons.ALERTS_GROUP, "S0123456789", initial_value=mentioned or None)
    return [
        section(text, accessory=channels) | {"block_id": f"alerts_{home.render_id}"},
        actions(buttons.plain_button(buttons.ALERTS_TOKEN, "Alert URL and new token")),
        *map(token_section, tokens),
        section(about_auto_pause(home.workspace), accessory=mode) | {"block_id": f"auto_pause_{home.render_id}"},
        input_block(_GROUP, named) | {"block_id": f"group_{home.render_id}", "dispatch_action": True},
    ]


def _about_policy(home: Home) -> list[Block]:
    policy = home.workspace.policy
    lines = [*map(section, who_can_what(policy)), *([] if policy.end is None else [context(_WHERE_TO_END)])]
    change = [buttons.plain_button(buttons.CHANGE_POLICY, "Edit permissions")] if home.can_edit else []
    past = [buttons.plain_button(buttons.HISTORY, TITLES[buttons.HISTORY])] if home.role is Role.ADMIN else []
    return [*lines, context(MEMBERS_ONLY), *row(*change, *past)]


def history_modal(orders: Sequence[PastOrder] | None) -> View:
    """Return the modal of 30 days, the newest first; it says if there are more. None: the journal is unreadable."""
    if orders is None:
        return View((section(_UNREADABLE),), title=TITLES[buttons.HISTORY])
    lines = [_line(one) for one in orders[:MOST_IN_MODAL]]
    shown = [section("\n".join(lines[first : first + 2])) for first in range(0, len(lines), 2)]
    heading = _MORE if len(orders) > MOST_IN_MODAL else "All, the newest first:"
    return View((section(heading if shown else "No pause or resume."), *shown), title=TITLES[buttons.HISTORY])


def _line(order: PastOrder) -> str:
    who = f"by {mention(order.user_id) if order.user_id else 'somebody'}, {moment(order.given_at)}"
    if order.verb == CHANGE:
        return f"⚙️ *Changed* {who}.\n{plain(order.reason)}"
    where = f" in {place(order.channel_id)}" if order.channel_id else ""
    why = f" Reason: {plain(order.reason)}" if order.reason else ""
    verb = Verb(order.verb)
    what = f"⏳ *{DOING[verb]}…* Requested" if order.outcome is None else past_wording(verb, order.outcome)
    return f"{what} {who}.\n{session(order.session_id)}{where}.{why}"
