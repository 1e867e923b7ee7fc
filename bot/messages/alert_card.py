"""The card for an alert: what happened, in which session, and a button to pause it."""

from bot.core.alert import Alert, Severity
from bot.core.requests import Verb
from bot.core.session_id import SessionId
from bot.messages.blocks import Block, actions, mrkdwn
from bot.messages.markup import lines, link, session, width
from bot.messages.message import Message, Visibility
from bot.messages.session_buttons import button

_LONGEST_SECTION = 3000  # characters, https://docs.slack.dev/reference/block-kit/blocks/section-block
_LONGEST_TITLE = 150
_SEVERITIES = {Severity.INFO: "🔹 *Info*", Severity.WARNING: "⚠️ *Warning*", Severity.CRITICAL: "🚨 *Critical*"}

_SAMPLE = Alert(
    session_id=SessionId("00000000-0000-4000-8000-000000000000"),
    title="This is a test alert",
    text="An admin tests where alerts go. There is no such session: the button shows that answer of Anchor.",
    severity=Severity.INFO,
)


def alert_message(alert: Alert) -> Message:
    """Return the card for an alert. Our own words come first, so that untrusted text cannot imitate them."""
    severity, body, about = _SEVERITIES[alert.severity], _body(alert), session(alert.session_id)
    blocks = (_section(severity), _section(body), _context(about), actions(_pause_button(alert)))
    return Message(f"{severity}: {body}\n{about}", Visibility.IN_CHANNEL, blocks)


def sample_alert_message() -> Message:
    """Return a test card; its session does not exist, so its button does nothing."""
    return alert_message(_SAMPLE)


def _body(alert: Alert) -> str:
    """Return title, text and link; the text is shortened if the section is too small."""
    title = lines(" ".join(alert.title.split()), limit=_LONGEST_TITLE)
    head = f"*{title}*\n" if title else ""
    tail = f"\n{link(alert.url, 'Open')}" if alert.url else ""
    text = lines(alert.text, limit=_LONGEST_SECTION - width(head + tail))
    return f"{head}{text}{tail}"


def _section(text: str) -> Block:
    return {"type": "section", "text": mrkdwn(text, verbatim=True)}


def _context(text: str) -> Block:
    return {"type": "context", "elements": [mrkdwn(text, verbatim=True)]}


def _pause_button(alert: Alert) -> Block:
    style = {"style": "danger"} if alert.severity is Severity.CRITICAL else {}
    return button(Verb.PAUSE, alert.session_id) | style
