"""The texts that the bot must send, from the product's own functions: only tests/texts.txt repeats sentences."""

import re

from bot.cli.terminal import terminal_text
from bot.core.fields import Secret, digest
from bot.core.orders import Actor, Order, Verb
from bot.core.outcomes import Outcome, Paused, Refusal, Resumed, Why
from bot.core.permissions import Role, Rule
from bot.core.session_ids import SessionId
from bot.core.sessions import NotRead
from bot.core.workspace import AnchorKey
from bot.messages import alert_tokens, cards, markup, sessions
from bot.messages import results as result_texts
from bot.messages import settings as settings_texts
from bot.messages.alert_tokens import UNSEEN
from bot.messages.cards import not_automatic
from bot.messages.help import HELP as HELP_MESSAGE
from bot.messages.markup import who_can_what
from bot.messages.results import NOT_AUTO_PAUSED, outcome_message, waiting_message
from bot.messages.settings import CHECKING, NOBODY_SELECTED, ONE_MOMENT

__all__ = ["CHECKING", "NOBODY_SELECTED", "NOT_AUTO_PAUSED", "ONE_MOMENT", "UNSEEN", "alert_tokens", "cards", "digest"]
__all__ += ["not_automatic", "result_texts", "settings_texts", "terminal_text", "who_can_what"]

SESSION = "3f2b8c1e-7d4a-4f0b-9a56-0c1d2e3f4a5b"
OTHER_SESSION = "9c0d7e11-2222-4333-8444-555566667777"
ALICE = "U0ALICE0001"
UNKNOWN_ACTION = result_texts.unknown_message().text
SAMPLE_ALERT = cards.SAMPLE_ALERT.text


def outcome_text(
    outcome: Outcome,
    *,
    verb: str = "pause",
    session: str = SESSION,
    user: str = ALICE,
    reason: str = "",
    note: str = "",
) -> str:
    """The text for an outcome of an order: that of Alice to pause SESSION, unless said otherwise."""
    order = _order(verb, session, user, reason)
    return outcome_message(order, outcome, now=0.0, note=note).text


_TIMES = re.compile(r"<!date[^>]*>|\b\d+ s\b", re.ASCII)


def is_not_sent(
    text: str, why: Why, *, verb: str = "resume", by: str = "", session: str = SESSION, is_confirmed: bool = True
) -> bool:
    """Whether it is the answer to an order that was not sent because of that and `by` them, whatever times it names."""
    expected = outcome_text(Refusal(why, by, seconds=1.0, is_confirmed=is_confirmed), verb=verb, session=session)
    return _TIMES.sub("", text) == _TIMES.sub("", expected)


def waiting_text(verb: str = "pause", *, session: str = SESSION, is_recorded: bool = True) -> str:
    """The text that a command is answered with if its outcome takes longer than Slack waits."""
    return waiting_message(_order(verb, session, ALICE, ""), is_recorded=is_recorded).text


def paused(*, session: str = SESSION, user: str = ALICE, reason: str = "", is_recorded: bool = True) -> str:
    note = "" if is_recorded else result_texts.NOT_RECORDED
    return outcome_text(Paused("paused"), session=session, user=user, reason=reason, note=note)


def is_about(text: str, expected: str) -> bool:
    """Whether a result is the expected one, whatever it says of the session: lists have shown that before."""
    lines, wanted = text.splitlines(), expected.splitlines()
    return (lines[0], lines[-1]) == (wanted[0], wanted[-1])


def resumed(*, session: str = SESSION, user: str = ALICE, reason: str = "") -> str:
    return outcome_text(Resumed("running"), verb="resume", session=session, user=user, reason=reason)


def _order(verb: str, session: str, user: str, reason: str) -> Order:
    return Order(Verb(verb), SessionId(session), Actor("T0HOME00001", "C0ALERTS001", user), reason)


def incident_text(incident: str) -> str:
    return result_texts.incident_message(incident).text


def broken_button_text(value: str, *, verb: str = "pause") -> str:
    return result_texts.broken_button_message(Verb(verb), value).text


REFRESH = sessions.REFRESH
"""The `action_id` of the button that reads again."""

HELP = HELP_MESSAGE.text


def list_refused(refusal: Refusal) -> str:
    return sessions.list_refusal(refusal).text


def reading(text: str) -> str:
    return sessions.reading_message(text).text


# --- what admins read ---

OUTDATED = settings_texts.OUTDATED.text
NOT_SAVED = settings_texts.NOT_SAVED.text
KEY_REFUSED = settings_texts.key_not_accepted(NotRead(401)).text


def not_admin(role: Role = Role.MEMBER) -> str:
    return settings_texts.not_admin(role).text


def key_saved(end: str = "1234") -> str:
    return settings_texts.key_saved(AnchorKey(Secret(end.rjust(20, "x")))).text


def alert_posted(channel: str) -> str:
    return settings_texts.alert_posted(channel).text


def who_can(verb: str, rule: Rule) -> str:
    return markup.who_can(Verb(verb), rule)
