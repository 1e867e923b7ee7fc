"""The card for an alert: what happened, in which session, and a button to pause it."""

from dataclasses import replace

from bot.core.alert import Alert, Severity
from bot.core.alert_fold import AlertContent
from bot.core.requests import Verb
from bot.core.session_id import SessionId
from bot.core.session_state import Phase, SessionState
from bot.messages.blocks import Block, actions, mrkdwn
from bot.messages.markup import lines, link, moment, plain, session, width
from bot.messages.message import Message, Visibility
from bot.messages.session_buttons import button
from bot.messages.session_state import state_button

_LONGEST_SECTION = 3000  # characters, https://docs.slack.dev/reference/block-kit/blocks/section-block
_LONGEST_TITLE = 150
_LONGEST_HEADING = 80
_LONGEST_NAME, _LONGEST_VALUE = 50, 200  # of a field
SEVERITY_SIGNS = {Severity.INFO: "🔹 *Info*", Severity.WARNING: "⚠️ *Warning*", Severity.CRITICAL: "🚨 *Critical*"}

_SAMPLE = Alert(
    session_id=SessionId("00000000-0000-4000-8000-000000000000"),
    title="This is a test alert",
    text="An admin tests where alerts go. There is no such session: the button shows that answer of Anchor.",
    severity=Severity.INFO,
)


def alert_message(alert: Alert) -> Message:
    """Return the card for an alert. Our own words come first, so that untrusted text cannot imitate them."""
    head = alert_head(alert)
    return replace(head, blocks=(*head.blocks, actions(_pause_button(alert))))


def alert_head(alert: Alert, occurrences: str = "", facts: str = "") -> Message:
    """Return what an alert says, without a button; `occurrences` is how often it came, and whether it still fires.

    `facts` are known of its session.
    """
    severity, body, about = SEVERITY_SIGNS[alert.severity], _body(alert), about_session(alert, facts)
    sign = f"{severity} {occurrences}".rstrip()
    told = "".join(f"\n{name}: {value}" for name, value in _fields(alert))
    blocks = (_section(sign), _section(body), *_field_blocks(alert), _context(about))
    return Message(f"{sign}: {body}{told}\n{about}", Visibility.IN_CHANNEL, blocks)


def about_session(alert: Alert, facts: str) -> str:
    """Return what is known of the session of an alert, and its id."""
    return f"{facts}\n{session(alert.session_id)}".lstrip()


def heading(alert: Alert) -> str:
    """Return the severity and a short title, for a row of a summary."""
    title = lines(" ".join((alert.title or alert.text).split()), limit=_LONGEST_HEADING)
    return f"{SEVERITY_SIGNS[alert.severity]}: {title}"


def occurrences(content: AlertContent) -> str:
    """Return how often an alert came, and when last, if more than once; and since when it is resolved, if so."""
    often = f"×{content.count}, last {moment(content.last_at)}" if content.count > 1 else ""  # noqa: RUF001 - times
    resolved = "" if content.resolved_at is None else f"✅ *Resolved*, {moment(content.resolved_at)}"
    return " · ".join(part for part in (often, resolved) if part)


def alert_buttons(content: AlertContent, state: SessionState | None) -> list[Block]:
    """Return the buttons that fit, Pause first. Pause is that of the alert itself, which can be red.

    An alert after the last order always has it: the agent can have been resumed elsewhere, or the key replaced.
    """
    pause = _pause_button(content.alert)
    if state is None or state.phase in {Phase.PAUSING, Phase.RESUMED}:
        return [pause]
    button = state_button(content.alert.session_id, state)
    known = [button] if button else []
    if state.phase is Phase.ENDED or content.resolved_at is not None or content.last_at <= state.at:
        return known
    return [pause, *(one for one in known if one["action_id"] != pause["action_id"])]


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


def _fields(alert: Alert) -> list[tuple[str, str]]:
    return [(plain(name, limit=_LONGEST_NAME), plain(value, limit=_LONGEST_VALUE)) for name, value in alert.fields]


def _field_blocks(alert: Alert) -> tuple[Block, ...]:
    fields = [mrkdwn(f"*{name}*\n{value}", verbatim=True) for name, value in _fields(alert)]
    return ({"type": "section", "fields": fields},) if fields else ()


def _pause_button(alert: Alert) -> Block:
    style = {"style": "danger"} if alert.severity is Severity.CRITICAL else {}
    return button(Verb.PAUSE, alert.session_id) | style


def _section(text: str) -> Block:
    return {"type": "section", "text": mrkdwn(text, verbatim=True)}


def _context(text: str) -> Block:
    return {"type": "context", "elements": [mrkdwn(text, verbatim=True)]}
