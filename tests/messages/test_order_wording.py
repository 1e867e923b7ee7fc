"""The wording of everything about orders and alerts, compared with tests/wording.txt. No other test repeats it."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, get_args

import pytest

from bot.core.alert import Alert, Severity
from bot.core.outcomes import (
    Broken as BrokenOrder,
)
from bot.core.outcomes import (
    Doubt,
    Failed,
    KeyRejected,
    KeyTaken,
    Late,
    NoKey,
    NotFound,
    NotRunning,
    NotSent,
    Outcome,
    Overloaded,
    Paused,
    PausedSince,
    RateLimited,
    Resumed,
    ResumedSince,
    Stopping,
    StoreUnavailable,
    Superseded,
    TooManyRepeats,
    TooManyResumes,
    Unavailable,
    Unconfirmed,
    Unreachable,
    WrongWorkspace,
)
from bot.core.policy import NotAMember, NotHere, NotNamed, Role, RoleUnknown
from bot.core.requests import Actor, Help, Order, Verb
from bot.core.session import Session
from bot.core.session_id import Ambiguous, Broken, Found, Missing, Search, SessionId
from bot.inbound.alerts.generic import BadAlert, read_alert
from bot.messages import alert_errors as alert_answers
from bot.messages.alert_card import alert_message, sample_alert_message
from bot.messages.message import Message, ephemeral
from bot.messages.outcome import card_not_updated, card_update, outcome_message, question_message, waiting_message
from bot.messages.request_errors import (
    as_direct_message,
    broken_button_message,
    incident_message,
    unknown_action_message,
    unknown_command_message,
    unreadable_message,
)
from bot.messages.session_buttons import button
from bot.messages.usage import usage_message
from harness import ALICE, OTHER_SESSION, SESSION
from harness.wording import SNAPSHOT, read

Check = Callable[[str, str], None]

ID, OTHER_ID = SessionId(SESSION), SessionId(OTHER_SESSION)
DASHBOARD = "https://dashboard.example/sessions"
NOW = 1_785_000_000.0
EXTERNAL = Session(
    id=ID,
    status="running",
    created_at=NOW - 600,
    tags=("checkout",),
    domains=("shop.example", "bank.example"),
    steps=12,
    key_name="secret-name",
    is_task=False,
    credits=1.5,
    max_minutes=20,
)
REFUSED_ROLES = [role for role in Role if role not in {Role.ADMIN, Role.MEMBER, Role.SCOPE_MISSING, Role.UNKNOWN}]


def order(name: str, reason: str = "") -> Order:
    """The order of an entry, whose name begins with the verb."""
    return Order(Verb(name.partition(":")[0]), ID, Actor("T0HOME00001", "C0ALERTS001", ALICE), reason)


def ids(letter: str, count: int) -> frozenset[str]:
    return frozenset(f"{letter}0{number:03}" for number in range(count))


def write(name: str, outcome: Outcome, reason: str = "") -> Message:
    return outcome_message(order(name, reason), outcome, now=0.0, dashboard_url=DASHBOARD)


OUTCOMES: dict[str, Outcome] = {
    "pause: done": Paused("paused"),
    "pause: done, without a status": Paused(),
    "pause: done, as a moment before": Paused("paused", "U0BOB000001", 0.0),
    "resume: done": Resumed("running"),
    "pause: not running": NotRunning("Session is not running"),
    "resume: not running": NotRunning(),
    "pause: not found": NotFound("Session not found"),
    "pause: failed": Failed(500, "Failed to pause agent"),
    "resume: failed": Failed(500),
    "pause: key refused, an admin can replace it": KeyRejected(401, "Invalid API key", by_admins=True),
    "pause: key refused, the operator can replace it": KeyRejected(403),
    "pause: rate limited": RateLimited(),
    "pause: rate limited for 30 seconds": RateLimited(30.0, "Too many requests"),
    "pause: out of service for 30 seconds": Unavailable(Unreachable.OUT_OF_SERVICE, 30.0),
    "resume: unconfirmed, with a status code": Unconfirmed(Doubt.GATEWAY, 502),
    "resume: overtaken by a pause": Superseded(),
    "pause: unconfirmed, the bot broke": BrokenOrder("0a1b2c3d"),
    "pause: late, and somebody resumed since": Late(9.6, "U0BOB000001"),
    "resume: late": Late(10.0),
    "resume: somebody paused since": PausedSince("", "U0BOB000001", 0.0, is_confirmed=True),
    "resume: somebody paused since, to an admin": PausedSince(
        "", "U0BOB000001", 0.0, is_confirmed=True, reason="it loops & <spends>", channel_id="C0ALERTS001"
    ),
    "resume: somebody resumed since": ResumedSince("", "U0BOB000001", 0.0),
    "resume: somebody is pausing": PausedSince("", "U0BOB000001", 0.0, is_confirmed=False, channel_id="D0BOB"),
    "pause: wrong workspace": WrongWorkspace(),
    "pause: no key": NoKey(),
    "pause: no key, the person can set it": NoKey(can_set=True),
    "pause: no key, nobody can set it": NoKey(scope_missing=True),
    "pause: the database failed": StoreUnavailable(),
    "pause: overloaded": Overloaded(),
    "pause: not sent, behind other orders": NotSent(20.0),
    "resume: repeated too often": TooManyRepeats(6.2),
    "resume: too many sessions": TooManyResumes(41.0),
    "resume: stopping": Stopping(),
    "pause: refused, unknown": RoleUnknown(),
    "pause: refused, not one of the named people": NotNamed(ids("U", 2)),
    "resume: refused, not one of many named people": NotNamed(ids("U", 11)),
    "pause: refused, not in a named channel": NotHere(ids("C", 2)),
    "resume: refused, not in one of very many named channels": NotHere(ids("C", 41)),
    **{f"pause: {why}": Unavailable(why) for why in Unreachable},
    **{f"pause: unconfirmed, {why}": Unconfirmed(why) for why in Doubt},
    "pause: unconfirmed, contradicted": Unconfirmed(Doubt.CONTRADICTED, anchor_message="failed"),
    **{f"pause: refused, {role}": NotAMember(role) for role in REFUSED_ROLES},
}

CLICKED: dict[str, Outcome] = {
    "pause: done": Paused(),
    "resume: done": Resumed(),
    "pause: not running": NotRunning(),
    "pause: not found": NotFound(),
    "resume: somebody paused since": PausedSince("", "U0BOB000001", 0.0, is_confirmed=True, reason="it loops"),
    "resume: somebody resumed since": ResumedSince("", "U0BOB000001", 0.0),
}

PROBLEMS: dict[str, Help | Missing | Broken | Ambiguous] = {
    "pause: help": Help(),
    "resume: help": Help(),
    "resume: no id": Missing(),
    "pause: a digit short": Broken(SESSION[:-1], 31),
    "resume: text without an id": Broken("the `checkout` <agent>", 0),
    "pause: two ids": Ambiguous((ID, OTHER_ID)),
    "pause: many ids": Ambiguous(tuple(SessionId(f"{number}{SESSION[1:]}") for number in range(7))),
}

NOTICES: dict[str, Message] = {
    "unknown command": unknown_command_message("/anchor-stop"),
    "unknown button": unknown_action_message(),
    "unknown button of a session": unknown_action_message(ID),
    "pause button without an id": broken_button_message(Verb.PAUSE, "x"),
    "resume button without an id": broken_button_message(Verb.RESUME, ""),
    "legacy button without an id": broken_button_message(Verb.PAUSE, "", is_legacy=True),
    "unreadable command": unreadable_message(),
    "unexpected exception": incident_message("0a1b2c3d"),
    "direct message instead of a message in the channel": as_direct_message(ephemeral("(the message)"), "C0ALERTS001"),
    "direct message instead of one between people": as_direct_message(ephemeral("(the message)"), "D0ALICEBOB1"),
}

CARDS: dict[str, Message] = {
    **{f"alert: {severity}": alert_message(Alert(ID, "High spend", severity=severity)) for severity in Severity},
    "alert: title and link": alert_message(Alert(ID, "It spent $40.", "High spend", url="https://a.example/1")),
    "alert: test": sample_alert_message(),
}

BAD_ALERTS: dict[str, object] = {
    "no object": [],
    "session_id missing": {},
    "session_id without an id": {"session_id": SESSION[:-1]},
    "two session ids": {"session_id": f"{SESSION} {OTHER_SESSION}"},
    "text missing": {"text": ""},
    "a field that is no string": {"title": 1},
    "unknown severity": {"severity": "fatal"},
    "no web address": {"url": "a.example"},
    "too long a link": {"url": f"https://a.example/?{'&' * 200}"},
    "no channel id": {"channel": "#alerts"},
    "unknown status": {"status": "gone"},
    "fields that are a list": {"fields": ["model"]},
    "too many fields": {"fields": dict.fromkeys("abcdefghijk", "x")},
}

SLACK_ERRORS = (
    "not_in_channel",
    "channel_not_found",
    "ratelimited",
    "is_archived",
    "missing_scope",
    "messages_tab_disabled",
    "token_revoked",
    "restricted_action",
)


def shown(message: Message) -> str:
    """The text, and a line for each button."""
    return "\n".join([message.text, *map(label, buttons(list(message.blocks)))])


def label(one: dict[str, Any]) -> str:
    asks = one.get("confirm")
    question = f" asks: {asks['title']['text']} {asks['text']['text']} [{asks['confirm']['text']}]" if asks else ""
    return f"[{one['text']['text']} → {one['action_id']}]{question}"


def buttons(part: object) -> Iterator[dict[str, Any]]:
    """Yield the buttons in a part of a message."""
    if isinstance(part, list):
        for one in part:
            yield from buttons(one)
    elif isinstance(part, dict) and part.get("type") == "button":
        yield part
    elif isinstance(part, dict):
        yield from buttons(list(part.values()))


@pytest.mark.parametrize(("name", "outcome"), OUTCOMES.items(), ids=OUTCOMES)
def test_outcomes(name: str, outcome: Outcome, wording: Check) -> None:
    wording(name, shown(write(name, outcome)))


def test_every_outcome_has_an_entry() -> None:
    assert {type(outcome) for outcome in OUTCOMES.values()} == set(get_args(Outcome))


@pytest.mark.parametrize(("name", "outcome"), OUTCOMES.items(), ids=OUTCOMES)
def test_only_a_confirmed_change_has_its_sign_and_doubt_has_its_own(name: str, outcome: Outcome) -> None:
    text = write(name, outcome).text
    for kind, sign in ((Paused, "⏸️"), (Resumed, "▶️"), (Unconfirmed | BrokenOrder, "❓")):
        assert text.startswith(sign) == isinstance(outcome, kind)


LIMITS = {"⏸️": 25, "▶️": 25, "⛔": 40, "🔹": 40, "❓": 40}
"""The most words of a message, by the sign of its verdict."""


KNOWN = ("program made", "status is known")
"""The answers about a known session: its facts are beyond what has to be read."""


def test_no_answer_is_longer_than_somebody_reads_in_an_emergency() -> None:
    entries = read(SNAPSHOT.read_text()).items()
    own = ((name, text) for name, text in entries if name.startswith("test_order_wording"))
    answers = {name: text for name, text in own if ": alert:" not in name and not name.endswith(KNOWN)}
    counts = {
        name: (text[:2].strip(), words(text))
        for name, text in answers.items()
        if text.startswith(tuple(LIMITS)) and not name.endswith(KNOWN)
    }
    assert len(counts) > len(OUTCOMES)
    assert {name: count for name, (sign, count) in counts.items() if count > LIMITS[sign]} == {}


def words(text: str) -> int:
    """Count the words that people see, without buttons; a mention and an id are one word each."""
    lines = [line for line in text.splitlines() if not line.startswith("[")]
    shown = re.sub(r"<[^|>]*\|([^>]*)>", r"\1", "\n".join(lines))
    return sum(any(char.isalnum() for char in word) for word in shown.split())


@pytest.mark.parametrize("verb", Verb)
def test_before_the_outcome_is_known(verb: Verb, wording: Check) -> None:
    wording(f"{verb}: waiting", shown(waiting_message(order(verb), is_recorded=True)))
    wording(f"{verb}: waiting, not recorded", shown(waiting_message(order(verb), is_recorded=False)))


def test_from_a_message(wording: Check) -> None:
    url = "https://acme.slack.com/archives/C0ALERTS001/p1784999100000300?thread_ts=1784998000.000001&cid=C0ALERTS001"
    for name, outcome in (("done", Paused("paused")), ("failed", Failed(500))):
        message = outcome_message(order("pause"), outcome, now=0.0, dashboard_url=DASHBOARD, message_url=url)
        wording(f"pause: {name}, by the shortcut on a message", shown(message))


def test_with_a_reason(wording: Check) -> None:
    wording("pause: done, with a reason", shown(write("pause", Paused("paused"), "too fast")))


def test_with_what_is_known_of_the_session(wording: Check) -> None:
    task = replace(EXTERNAL, is_task=True)
    for name, outcome, known in (
        ("pause: done, of a session that a task made", Paused(), task),
        ("pause: done, of a session that a program made", Paused(), EXTERNAL),
        ("resume: done, of a session that a program made", Resumed(), EXTERNAL),
        ("pause: not running, and its status is known", NotRunning(), replace(task, status="completed")),
        ("pause: done, and little is known", Paused(), Session(id=ID, steps=3)),
        ("pause: done, and nothing is known", Paused(), Session(id=ID)),
    ):
        message = outcome_message(order(name), outcome, now=NOW, dashboard_url=DASHBOARD, known=known)
        wording(name, shown(message))
    change = card_update(order("pause"), Paused(), now=NOW, order_id="", known=EXTERNAL)
    assert change is not None
    wording("clicked message: pause: done, and the session is known", change.line)


@pytest.mark.parametrize(("name", "outcome"), CLICKED.items(), ids=CLICKED)
def test_line_in_the_clicked_message(name: str, outcome: Outcome, wording: Check) -> None:
    change = card_update(order(name), outcome, now=0.0, order_id="")
    assert change is not None
    wording(f"clicked message: {name}", "\n".join([change.line, *map(label, buttons(change.button))]))


def test_line_of_a_result_whose_clicked_message_is_out_of_date(wording: Check) -> None:
    wording("clicked message: refused by Slack", card_not_updated())


def test_every_change_of_the_clicked_message_has_an_entry() -> None:
    assert {type(outcome) for outcome in CLICKED.values()} == {*get_args(KeyTaken), PausedSince, ResumedSince}
    unconfirmed = PausedSince("", "U0BOB000001", 0.0, is_confirmed=False)
    assert card_update(order("resume"), unconfirmed, now=0.0, order_id="") is None


@pytest.mark.parametrize("verb", Verb)
def test_button(verb: Verb, wording: Check) -> None:
    one = button(verb, ID)
    wording(f"button: {verb}", f"{label(one)}\nFor screen readers: {one['accessibility_label']}")


@pytest.mark.parametrize(("name", "problem"), PROBLEMS.items(), ids=PROBLEMS)
def test_usage(name: str, problem: Help | Missing | Broken | Ambiguous, wording: Check) -> None:
    wording(f"usage: {name}", usage_message(order(name).verb, problem, dashboard_url=DASHBOARD).text)


def test_every_problem_with_a_command_has_an_entry() -> None:
    assert {type(problem) for problem in PROBLEMS.values()} == {Help, *get_args(Search)} - {Found}


@pytest.mark.parametrize(("name", "notice"), NOTICES.items(), ids=NOTICES)
def test_notices(name: str, notice: Message, wording: Check) -> None:
    wording(f"notice: {name}", shown(notice))


@pytest.mark.parametrize(("name", "card"), CARDS.items(), ids=CARDS)
def test_alerts(name: str, card: Message, wording: Check) -> None:
    wording(name, shown(card))


def test_question_before_a_resume(wording: Check) -> None:
    for name, message in (
        ("of a message", write("pause", Paused(), "too fast & <much>")),
        ("of another program's message", question_message(order("resume"), "v")),
    ):
        wording(f"resume: question {name}", shown(message))


@pytest.mark.parametrize(("name", "fields"), BAD_ALERTS.items(), ids=BAD_ALERTS)
def test_answers_to_bad_alerts(name: str, fields: object, wording: Check) -> None:
    least = {"text": "High spend"} | ({"session_id": SESSION} if fields else {})
    alert = read_alert(least | fields if isinstance(fields, dict) else fields)
    assert isinstance(alert, BadAlert)
    wording(f"answer to an alert: {name}", alert.why)


ANSWERS = {
    name.lower().replace("_", " "): text
    for name, text in vars(alert_answers).items()
    if name[0].isalpha() and isinstance(text, str)
}


@pytest.mark.parametrize(("name", "text"), ANSWERS.items(), ids=ANSWERS)
def test_answers_to_alerts(name: str, text: str, wording: Check) -> None:
    wording(f"answer to an alert: {name}", text)


@pytest.mark.parametrize("code", SLACK_ERRORS)
def test_answers_if_slack_refuses_an_alert(code: str, wording: Check) -> None:
    wording(f"answer to an alert: Slack says {code}", alert_answers.refused_by_slack(code, "C0ALERTS001"))


def test_answers_if_an_alert_fails(wording: Check) -> None:
    wording("answer to an alert: Slack failed", alert_answers.not_taken_by_slack("HTTP 503"))
    wording("answer to an alert: unexpected exception", alert_answers.broken("0a1b2c3d"))
