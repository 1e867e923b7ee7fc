"""The programs that send alerts: their tokens in Home, with modals, replies and notices, and what they do wrong."""

from collections.abc import Iterable
from dataclasses import replace

from bot.core.alert_tokens import LONGEST_SENDER, MOST_ALERT_TOKENS, SENDER_NAME, AlertToken
from bot.core.alerts import Lost
from bot.core.fields import Secret
from bot.core.workspace import AutoPause, Workspace
from bot.messages import buttons
from bot.messages.blocks import Block, Message, View, checkbox, element, ephemeral, input_block, preformatted, section
from bot.messages.markup import IN_HOME, MOST_NAMED, channel, code, mention, moment, one_line, plain, some
from bot.messages.settings import Reply, form, saved

NAME, CHANNELS, PAUSE, REVOKE = "sender_name", "sender_channels", "sender_pause", "sender_revoke"
"""The inputs of the modals; block and element have the same name."""

NAMES = f"A name has at most {LONGEST_SENDER} of a-z, 0-9, - and _, and begins with a letter or digit."
_EXAMPLE_ALERT = '{"session_id": "3f2b8c1e-7d4a-4f0b-9a56-0c1d2e3f4a5b", "text": "It spends too fast."}'
_REACH = "Its alerts can go to the alert channel and to these. Alerts for other channels go to the alert channel."
_EFFECTS = {
    AutoPause.OFF: "Alerts pause nothing.",
    AutoPause.OBSERVE: "The bot records which sessions alerts would have paused, and pauses none.",
    AutoPause.ON: "Alerts pause sessions without asking anybody.",
}
_ABOUT_ON = (
    "While pauses by alerts are on, everybody who has a token that can pause can pause every session of this "
    "workspace: permissions and channels do not apply to alerts."
)
_LONGEST_NAME = 50  # of a field
UNSEEN = f"A new alert token was made, but its window could not show it. Revoke it {IN_HOME}, and make another one."
"""The token must appear nowhere but in its modal."""


def closed_message(channel_id: str) -> Message:
    """Return the notice that Slack takes no alerts in a channel."""
    return ephemeral(
        f"⚠️ This app can't post in {channel(channel_id)}: alerts for it go to the alert channel.",
        "Fix: send `/invite @anchor` there, or let the sender name another channel. You are told this once a day.",
    )


NO_WEBHOOK = 'The body is not from Alertmanager (version "4") or Grafana (version "1"): other programs use /alerts.'
NO_CHANNEL = "Nothing was posted: the workspace has no alert channel. Choose one, and send the alert again."
NO_ACTION = 'The action is unknown, so nothing is paused: send "pause".'
NO_FINGERPRINT = "Without a fingerprint nothing is paused: send an id of this alert, the same each time it comes."
MAY_NOT_PAUSE = "Nothing is paused: this token does not allow pauses. The app's Home says who can change that."
NO_TEXT = "The alert does not say what happened."
SEND_LESS = (
    "Group by session_id, remove max_alerts (in Grafana Max alerts), and shorten texts: a request can have 500 alerts."
)
_LOST = {
    Lost.NO_SESSION: (
        "no session id can be read, so there is no button to pause the agent",
        "Put the session's id alone into the rule's label or annotation `session_id`, or send these alerts elsewhere.",
    ),
    Lost.TOO_LARGE: ("requests were too large, or had too many alerts", SEND_LESS),
}
TOKEN_REVOKED = Reply("TokenRevoked", "✅ *Revoked.* Alerts with this token are refused.")


def name_problem(name: str, tokens: Iterable[AlertToken]) -> str:
    """Return why there can be no token of this name beside the others; "" if there can be."""
    names = {one.name for one in tokens}
    if not SENDER_NAME.fullmatch(name):
        return NAMES
    if name in names:
        return "There is a token of this name. Revoke it first, or choose another name."
    return "" if len(names) < MOST_ALERT_TOKENS else f"There are {MOST_ALERT_TOKENS} tokens. Revoke one first."


def about_auto_pause(workspace: Workspace) -> str:
    """Return the effect of alerts that ask for a pause, and who can pause by them."""
    names = some((one.name for one in workspace.alert_tokens if one.may_pause), most=MOST_NAMED)
    mode, vain = workspace.auto_pause, " ⛔ *No alert pauses an agent.*" if workspace.pauses_in_vain else ""
    return f"*Pauses by alerts: {mode}.* {_EFFECTS[mode]} {_ABOUT_ON} Tokens that can pause: {names or 'none'}.{vain}"


def auto_pause_saved(mode: AutoPause) -> Reply:
    """Return the reply to a change of the effect of alerts that ask for a pause."""
    about = f" {_ABOUT_ON}" if mode is AutoPause.ON else ""
    return saved("AutoPauseSaved", f"Pauses by alerts: {mode}. {_EFFECTS[mode]}{about}")


def token_section(token: AlertToken) -> Block:
    """Return a token in Home, with the button to change it."""
    change = buttons.plain_button(buttons.ALERTS_SENDER, "Change") | {"value": token.name}
    return section(_token_line(token), accessory=change)


def _token_line(token: AlertToken) -> str:
    ending = f"ends {code(token.ending)}" if token.ending else ""
    who = mention(token.made_by) if token.made_by else "the operator of this bot"
    made = "" if token.made_at is None else f"made by {who}, {moment(token.made_at)}"
    pauses = "can pause" if token.may_pause else ""
    return " · ".join(filter(None, [f"*{token.name}*", ending, pauses, made]))


def new_token_modal(workspace: Workspace, url: str) -> View:
    """Return the modal with the URL for alerts, which makes a token."""
    name = element("plain_text_input", NAME, max_length=LONGEST_SENDER)
    blocks = (
        section("Programs post alerts to this URL:"),
        preformatted(url),
        section("For example:"),
        preformatted(_alert_example(url)),
        input_block("Name of the program", name, optional=False, hint=NAMES),
        _pause_input(is_checked=False),
    )
    return form(buttons.ALERTS_TOKEN, workspace.alerts_token_version, "Make a token", *blocks)


def token_modal(workspace: Workspace, token: AlertToken) -> View:
    """Return the modal that changes or revokes a token."""
    select = buttons.channels_select(CHANNELS, "Only the alert channel", token.channels, buttons.ALERT_CHANNELS)
    blocks = (
        section(_token_line(token)),
        input_block("More channels", select, hint=_REACH),
        _pause_input(is_checked=token.may_pause),
        input_block("Alerts with a revoked token are refused", checkbox(REVOKE, "Revoke it now")),
    )
    return form(buttons.ALERTS_SENDER, workspace.alerts_token_version, "Save", *blocks, about=token.name)


def _pause_input(*, is_checked: bool) -> Block:
    box = checkbox(PAUSE, "Its alerts can pause sessions", is_checked=is_checked)
    return input_block("Pauses by alerts", box, hint=_ABOUT_ON)


def _alert_example(url: str) -> str:
    return f"curl {url} \\\n  -H \"Authorization: Bearer $ALERTS_TOKEN\" \\\n  -d '{_EXAMPLE_ALERT}'"


def token_made(secret: Secret, url: str, token: AlertToken) -> Reply:
    """Return the reply with a new alert token."""
    text = (
        "✅ *New token made.* Copy it now: it is *shown only this once*. Anybody who has it can post alerts here. The "
        "example below the token shows how to use it."
    )
    copyable = (secret.reveal(), _alert_example(url))
    return Reply("TokenMade", text, copyable=copyable, dm_text=UNSEEN, changed=_about_token("made", token))


def token_changed(did: str, token: AlertToken) -> Reply:
    """Return the reply to an alert token that was "changed" or "revoked"."""
    changed = _about_token(did, token)
    return replace(TOKEN_REVOKED, changed=changed) if did == "revoked" else saved("TokenSaved", changed)


def _about_token(did: str, token: AlertToken) -> str:
    others = some(map(channel, sorted(token.channels)), most=MOST_NAMED)
    where = f"can go to the alert channel and to {others}" if others else "go to the alert channel only"
    reach = "Its alerts are refused." if did == "revoked" else f"Its alerts {where}."
    pauses = " Its alerts can pause sessions." if token.may_pause else ""
    return f"The alert token *{token.name}* was {did}. {reach}{pauses}"


def about_alert(name: str, problem: str) -> str:
    """Return the warning about one of the alerts in a request."""
    return f"{name or 'An alert without alertname'}: {problem.rstrip('.')}."


def ignored(name: str) -> str:
    """Return the warning about a field of an alert, whose name can be any text."""
    return f"The field {one_line(name, limit=_LONGEST_NAME)} is unknown or invalid, so it is ignored."


def lost_message(why: Lost, names: Iterable[str]) -> Message:
    """Return the notice that alerts have no card; `names` are of alerts that came, or senders. The log counts them."""
    named = some(dict.fromkeys(code(name) for name in names if plain(name)), most=MOST_NAMED)
    reason, fix = _LOST[why]
    top = f"⚠️ *Alerts have no card*: {reason}."
    return ephemeral(top, f"Last: {named}." if named else "", f"Fix: {fix} This message comes once a day at most.")
