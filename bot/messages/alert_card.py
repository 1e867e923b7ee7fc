"""The card for an alert: what happened, in which session, and a button to pause it."""

from bot.core.alert import Alert, Severity
from bot.core.requests import Verb
from bot.core.session_id import SessionId
from bot.messages.blocks import Block, actions, confirm
from bot.messages.markup import code, lines, link, width
from bot.messages.message import Message, Visibility
from bot.messages.session_buttons import button
from bot.messages.usage import COMMANDS

_LONGEST_SECTION = 3000  # characters, https://docs.slack.dev/reference/block-kit/blocks/section-block
_LONGEST_TITLE = 150
_SEVERITIES = {Severity.INFO: "🔹 *Info*", Severity.WARNING: "⚠️ *Warning*", Severity.CRITICAL: "🚨 *Critical*"}

_SAMPLE = Alert(
    session_id=SessionId("00000000-0000-4000-8000-000000000000"),
    title="This is a test alert",
    text="An admin tries out where alerts go, and this is how they look. There is no such session: the button "
    "shows that answer of Anchor.",
    severity=Severity.INFO,
)


def alert_message(alert: Alert) -> Message:
    """Return the card for an alert. Our own text comes first, so that untrusted text cannot imitate it."""
    about, body = _about(alert), _body(alert)
    pause = f"To pause it: `{COMMANDS[Verb.PAUSE]} {alert.session_id}`"
    blocks = (_section(body), _context(about), _actions(alert.session_id))
    return Message(f"{about}\n{pause}\n{body}", Visibility.IN_CHANNEL, blocks)


def sample_alert_message() -> Message:
    """Return a test card; its session does not exist, so its button does nothing."""
    return alert_message(_SAMPLE)


def _about(alert: Alert) -> str:
    return f"{_SEVERITIES[alert.severity]}: session {code(alert.session_id)}"


def _body(alert: Alert) -> str:
    """Return title, text and link; the text is shortened if the section is too small."""
    title = lines(" ".join(alert.title.split()), limit=_LONGEST_TITLE)
    head = f"*{title}*\n" if title else ""
    tail = f"\n{link(alert.url, 'Open')}" if alert.url else ""
    text = lines(alert.text, limit=_LONGEST_SECTION - width(head + tail))
    return f"{head}{text}{tail}"


def _section(mrkdwn: str) -> Block:
    return {"type": "section", "text": {"type": "mrkdwn", "text": mrkdwn, "verbatim": True}}


def _context(mrkdwn: str) -> Block:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": mrkdwn, "verbatim": True}]}


def _actions(session_id: SessionId) -> Block:
    return actions({**button(Verb.PAUSE, session_id), "confirm": _confirm(session_id)})


def _confirm(session_id: SessionId) -> Block:
    text = f"The agent of session {session_id} is stopped at once, until somebody resumes it."
    return confirm("Pause this session?", text, "Pause")
