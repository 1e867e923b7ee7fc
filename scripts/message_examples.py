"""Examples of every message, view, page and line of the doctor, by the section of docs/messages.md that shows them.

The page, the tests of the wording and Slack's validation of blocks use this one table. Names in a section are unique.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias, get_args

from bot.core import outcomes, policy
from bot.core.cards import (
    MOST_IN_SUMMARY,
    Alert,
    AlertContent,
    BatchContent,
    CardContent,
    HeldContent,
    Lost,
    Reply,
    ResultContent,
    Severity,
    Worse,
    first,
)
from bot.core.fields import Secret
from bot.core.history import BatchedOrder, PastOrder
from bot.core.outcomes import WhyNot
from bot.core.reminders import Deadline
from bot.core.requests import Actor, Order, Source, Verb, operator_id, program_id
from bot.core.session_ids import Mention, Mentions, SessionId
from bot.core.sessions import (
    ALL_WORD,
    RUNNING,
    Choice,
    NotRead,
    Overview,
    Phase,
    Session,
    SessionList,
    SessionState,
    Unread,
    state_at_anchor,
)
from bot.core.workspace import (
    SCOPES,
    AlertToken,
    AnchorKey,
    AutoPause,
    KeyCheck,
    NewKeyRejected,
    NewKeyUnverified,
    Workspace,
)
from bot.inbound.alerts.fields import BadAlertError, read_alert
from bot.messages import batches, cards, checks, install, pausing, results, senders, sessions, settings
from bot.messages.blocks import Message, View, actions, ephemeral, from_blocks, section
from bot.messages.buttons import button, session_facts
from bot.messages.cards import SAMPLE_ALERT, alert_message, card_message, mentioning
from bot.messages.checks import CHANNEL_PROBE, check_line, home_status
from bot.messages.clicked import CardUpdate
from bot.messages.ending import (
    ASKING_TO_END,
    end_question,
    end_window,
    ended_message,
    reminder_message,
)
from bot.messages.history import LastOrders, history_modal
from bot.messages.home import Home, home_view
from bot.messages.install import Page, broken_page, declined_page, installed_page, refused_page
from bot.messages.pausing import NO_SESSION, NOT_OPENED, loading_modal, message_modal, sessions_modal
from bot.messages.results import (
    CARD_LOST,
    CARD_NOT_UPDATED,
    card_update,
    facts_message,
    outcome_message,
    question_message,
    waiting_message,
)
from bot.messages.senders import new_token_modal, token_modal
from bot.messages.sessions import (
    list_blocks,
    list_message,
    list_refusal,
    list_update,
    not_read_text,
    reading_message,
)
from bot.messages.settings import TITLES, key_modal, policy_modal, removal_modal
from bot.messages.usage import HELP

Example: TypeAlias = Message | View | Page | CardUpdate | str

ID = SessionId("3f2b8c1e-7d4a-4f0b-9a56-0c1d2e3f4a5b")
OTHER_ID = SessionId("9c0d7e11-2222-4333-8444-555566667777")
ALICE, BOB, CHANNEL, TEAM = "U0ALICE0001", "U0BOB000001", "C0ALERTS001", "T0HOME00001"
DASHBOARD = "https://dashboard.example/sessions"
INSTALL_URL = "https://bot.example.com/slack/install"
NOW = 1_785_000_000.0

# --- orders: the name of an example begins with the verb ---

TASK = Session(
    id=ID,
    status=RUNNING,
    created_at=NOW - 600,
    tags=("checkout",),
    domains=("shop.example", "bank.example"),
    steps=12,
    key_name="secret-name",
    is_task=True,
    credits=1.5,
    max_minutes=20,
)
PROGRAM = replace(TASK, is_task=False)
PAUSED, RESUMED = outcomes.Paused(), outcomes.Resumed()
PAUSED_SINCE = outcomes.NotSent(WhyNot.PAUSED_SINCE, BOB, version="1" * 28)
RESUMED_SINCE, NO_TURN = outcomes.NotSent(WhyNot.RESUMED_SINCE, BOB), outcomes.NotSent(WhyNot.NO_TURN, seconds=20.0)
LATE = outcomes.NotSent(WhyNot.LATE, seconds=10.0)
MESSAGE_URL = (
    "https://acme.slack.com/archives/C0ALERTS001/p1784999100000300?thread_ts=1784998000.000001&cid=C0ALERTS001"
)


def order(name: str, reason: str = "") -> Order:
    """Return the order that an example is about."""
    return Order(Verb(name.partition(":")[0]), ID, Actor(TEAM, CHANNEL, ALICE), reason)


def answer(name: str, outcome: outcomes.Outcome, reason: str = "", **more: Any) -> Message:  # noqa: ANN401 - as its function takes them
    """Return the answer to the order of this name."""
    return outcome_message(order(name, reason), outcome, **{"now": 0.0, "dashboard_url": DASHBOARD, **more})


def answer_to_alert(outcome: outcomes.Outcome) -> Message:
    """Return the message about a pause by an alert that failed."""
    asked = replace(order("pause", "⛔ *Paused* by <!here>"), actor=Actor(TEAM, CHANNEL, program_id("spend-monitor")))
    return outcome_message(replace(asked, source=Source.ALERT), outcome, now=0.0, dashboard_url=DASHBOARD)


def followed(known: Session) -> Message:
    """Return what follows the answer to a pause."""
    message = facts_message(ID, None, known, now=NOW)
    if message is None:
        raise ValueError(known)
    return message


def _ids(letter: str, count: int) -> frozenset[str]:
    return frozenset(f"{letter}0{number:03}" for number in range(count))


def _long_ids(letter: str) -> frozenset[str]:
    return frozenset(f"{letter}{number:030}" for number in range(300))


NOT_AUTOMATIC: Mapping[str, outcomes.NotAutomatic] = {
    "observed": outcomes.Observed(),
    "held back": outcomes.HeldBack(20),
    "resumed before": outcomes.ResumedBefore(BOB, 0.0),
    "resumed before, not confirmed": outcomes.ResumedBefore(BOB, 0.0, is_confirmed=False),
    "ended before": outcomes.EndedBefore(),
    "switched off": outcomes.AutoPauseOff(),
}
BY_ALERT: Mapping[str, outcomes.Outcome] = {
    "unconfirmed": outcomes.Unconfirmed(outcomes.Doubt.TIMED_OUT),
    "unknown session": outcomes.NotFound(),
    "held back": outcomes.HeldBack(20),
    "late": replace(NO_TURN, seconds=130.0),
    "the database failed": outcomes.StoreUnavailable(),
}
OUTCOMES: Mapping[str, outcomes.Outcome] = {
    "pause: done": outcomes.Paused("paused"),
    "pause: done, without a status": PAUSED,
    "pause: done, and Anchor gives another status": outcomes.Paused("running"),
    "pause: done, as a moment before": outcomes.Paused("paused", BOB, 0.0),
    "pause: done, after a resume that it crossed": outcomes.Paused("paused", crossed=BOB),
    "pause: not running": outcomes.NotRunning("Session is not running"),
    "pause: not found": outcomes.NotFound("Session not found"),
    "pause: failed": outcomes.Failed(500, "Failed to pause agent"),
    "pause: key refused, an admin can replace it": outcomes.KeyRejected(401, "Invalid API key", by_admins=True),
    "pause: key refused, the operator can replace it": outcomes.KeyRejected(403),
    "pause: rate limited": outcomes.RateLimited(),
    "pause: rate limited for 30 seconds": outcomes.RateLimited(30.0, "Too many requests"),
    **{f"pause: {why}": outcomes.Unavailable(why) for why in outcomes.Unreachable},
    "pause: out of service for 30 seconds": outcomes.Unavailable(outcomes.Unreachable.OUT_OF_SERVICE, 30.0),
    **{f"pause: unconfirmed, {why}": outcomes.Unconfirmed(why) for why in outcomes.Doubt},
    "pause: unconfirmed, contradicted": outcomes.Unconfirmed(outcomes.Doubt.CONTRADICTED, anchor_message="failed"),
    "pause: unconfirmed, the bot broke": outcomes.Broken("0a1b2c3d"),
    "pause: somebody resumed since": RESUMED_SINCE,
    "pause: wrong workspace": outcomes.WrongWorkspace(),
    "pause: no key": outcomes.NoKey(),
    "pause: no key, the person can set it": outcomes.NoKey(can_set=True),
    "pause: no key, nobody can set it": outcomes.NoKey(scope_missing=True),
    "pause: the database failed": outcomes.StoreUnavailable(),
    "pause: overloaded": outcomes.Overloaded(),
    "pause: not sent, behind other orders": NO_TURN,
    **{
        f"pause: refused, {role}": policy.NotAMember(role)
        for role in policy.Role
        if role not in {policy.Role.ADMIN, policy.Role.MEMBER, policy.Role.SCOPE_MISSING, policy.Role.UNKNOWN}
    },
    "pause: refused, unknown": policy.RoleUnknown(),
    "pause: refused, not one of the named people": policy.NotNamed(_ids("U", 2)),
    "pause: refused, not in a named channel": policy.NotHere(_ids("C", 2)),
    "resume: done": outcomes.Resumed("running"),
    "resume: done, and Anchor gives another status": outcomes.Resumed("queued"),
    "resume: not running": outcomes.NotRunning(),
    "resume: failed": outcomes.Failed(500),
    "resume: unconfirmed, with a status code": outcomes.Unconfirmed(outcomes.Doubt.GATEWAY, 502),
    "resume: late": LATE,
    "resume: somebody paused since": PAUSED_SINCE,
    "resume: somebody paused since, to an admin": replace(
        PAUSED_SINCE, reason="it loops & <spends>", channel_id=CHANNEL
    ),
    "resume: somebody is pausing": replace(PAUSED_SINCE, is_confirmed=False, channel_id="D0BOB"),
    "resume: repeated too often": outcomes.TooManyRepeats(6.2),
    "resume: too many sessions": outcomes.TooManyResumes(41.0),
    "resume: stopping": outcomes.Stopping(),
    "resume: refused, the scope is missing": policy.ScopeMissing("https://bot.example.com/slack/install"),
    "resume: refused, not one of many named people": policy.NotNamed(_ids("U", 11)),
    "resume: refused, not in one of very many named channels": policy.NotHere(_ids("C", 41)),
    "resume: somebody has ended the session": outcomes.NotSent(WhyNot.ENDED, BOB),
    "resume: somebody is ending the session": outcomes.NotSent(WhyNot.ENDING, BOB),
    "end: done": outcomes.Ended("completed"),
    "end: done, and Anchor no longer knows the session": outcomes.Ended(),
    "end: unconfirmed, still listed": outcomes.Unconfirmed(outcomes.Doubt.STILL_LISTED),
    "end: unconfirmed, not read": outcomes.Unconfirmed(outcomes.Doubt.NOT_READ),
    "end: unconfirmed, no answer in time": outcomes.Unconfirmed(outcomes.Doubt.TIMED_OUT),
    "end: not running": outcomes.NotRunning("completed"),
    "end: failed": outcomes.Failed(500),
    "end: key or session id refused": outcomes.KeyRejected(401, "Invalid API Key or browser session ID"),
    "end: key refused": outcomes.KeyRejected(403),
    "end: late": LATE,
    "end: off, the operator decides": outcomes.EndOff(),
    "end: off, admins decide": outcomes.EndOff(by_admins=True),
    "end: refused, not an admin": policy.NotAdmin(),
    "end: refused, the scope is missing": policy.ScopeMissing("https://bot.example.com/slack/install"),
    "end: refused, not one of the named people": policy.NotNamed(_ids("U", 2)),
    "end: database down": outcomes.StoreUnavailable(),
}
ANSWERS: Mapping[str, Message] = {
    **{name: answer(name, outcome) for name, outcome in OUTCOMES.items()},
    **{f"{verb}: waiting": waiting_message(order(verb), is_recorded=True) for verb in Verb},
    **{f"{verb}: waiting, not recorded": waiting_message(order(verb), is_recorded=False) for verb in Verb},
    "pause: done, by the shortcut on a message": answer("pause", PAUSED, message_url=MESSAGE_URL),
    "pause: failed, by the shortcut on a message": answer("pause", outcomes.Failed(500), message_url=MESSAGE_URL),
    "pause: done, with a reason": answer("pause", PAUSED, "too fast & <much>"),
    "pause: done, and not recorded": answer("pause", PAUSED, note=results.NOT_RECORDED),
    "resume: done, and overtaken since": answer("resume", RESUMED, note=results.OVERTAKEN),
    "resume: somebody paused since, and is told late": answer("resume", PAUSED_SINCE, note=results.OVERTAKEN),
    "pause: done, and it is to end by itself": answer("pause", PAUSED, "for 10m"),
    "pause: failed, and it can be ended": answer("pause", outcomes.Failed(500), offers_end=True),
    "pause: done, and little is known": answer("pause", PAUSED, known=Session(id=ID, steps=3)),
    "pause: done, and nothing is known": answer("pause", PAUSED, known=Session(id=ID)),
    "resume: question of another program's message": question_message(order("resume"), "v"),
    **{f"pause: by an alert, {name}": answer_to_alert(outcome) for name, outcome in BY_ALERT.items()},
    "pause: by an alert, failed, with a mention": mentioning(answer_to_alert(outcomes.Failed(500)), "S0ONCALL001"),
}
PAUSED_BY_BOB = SessionState(Phase.PAUSED, Verb.PAUSE, "order-1", BOB, CHANNEL, "it loops & spends", 0.0)
REMINDERS: Mapping[str, Message] = {
    "with the session's own limit": reminder_message(ID, PAUSED_BY_BOB, Deadline(1_200.0), now=900.0, known=TASK),
    "without its own limit": reminder_message(ID, PAUSED_BY_BOB, Deadline(1_200.0, True), now=900.0, known=None),  # noqa: FBT003
    "without a known end": reminder_message(ID, PAUSED_BY_BOB, None, now=1_800.0, known=None),
    "with End session": reminder_message(ID, PAUSED_BY_BOB, Deadline(1_200.0), now=900.0, known=TASK, offers_end=True),
    "ended while paused": ended_message(ID, PAUSED_BY_BOB, "completed"),
    "known no longer while paused": ended_message(ID, PAUSED_BY_BOB, ""),
}
FACTS: Mapping[str, Message] = {
    "pause: of a session that a task made": answer("pause", PAUSED, known=TASK, now=NOW),
    "pause: of a session that a program made": answer("pause", PAUSED, known=PROGRAM, now=NOW),
    "resume: of a session that a program made": answer("resume", RESUMED, known=PROGRAM, now=NOW),
    "pause: followed by what was read: a program made the session": followed(replace(PROGRAM, max_minutes=None)),
    "pause: of a session whose status is known": answer(
        "pause", outcomes.NotRunning(), known=replace(TASK, status="completed"), now=NOW
    ),
}
"""Answers with facts about the session, which may be longer."""

CLICKED: Mapping[str, outcomes.Outcome] = {
    "pause: done": PAUSED,
    "resume: done": RESUMED,
    "pause: not running": outcomes.NotRunning(),
    "pause: not found": outcomes.NotFound(),
    "resume: somebody paused since": replace(PAUSED_SINCE, reason="it loops"),
    "end: done": outcomes.Ended("completed"),
}


def _clicked(name: str, outcome: outcomes.Outcome, **more: Any) -> CardUpdate:  # noqa: ANN401 - as its function takes them
    update = card_update(order(name), outcome, **{"now": 0.0, "order_id": "", **more})
    if update is None:
        raise ValueError(name)
    return update


LINES: Mapping[str, Example] = {
    **{name: _clicked(name, outcome) for name, outcome in CLICKED.items()},
    "pause: done, and the session is known": _clicked("pause", PAUSED, now=NOW, known=PROGRAM),
    "refused by Slack": CARD_NOT_UPDATED,
    "refused by Slack for good, in the next result": CARD_LOST,
    "what a screen reader says of the buttons": "\n".join(button(verb, ID)["accessibility_label"] for verb in Verb),
}
NOTICES: Mapping[str, Message] = {
    "check of the alert channel, not deleted": CHANNEL_PROBE,
    "help": HELP,
    "unknown command": results.unknown_command_message("/anchor-stop"),
    "unknown button": results.unknown_action_message(),
    "unknown button of a session": results.unknown_action_message(ID),
    "pause button without an id": results.broken_button_message(Verb.PAUSE, "x"),
    "resume button without an id": results.broken_button_message(Verb.RESUME, ""),
    "legacy button without an id": results.broken_button_message(Verb.PAUSE, "", is_legacy=True),
    "unreadable command": results.UNREADABLE,
    "unexpected exception": results.incident_message("0a1b2c3d"),
    "direct message instead of a message in the channel": results.as_direct_message(
        ephemeral("(the message)"), CHANNEL
    ),
    "direct message instead of one between people": results.as_direct_message(
        ephemeral("(the message)"), "D0ALICEBOB1"
    ),
}

# --- alerts and their cards ---

ALERT = Alert(ID, "It spent $40\nin a minute.", "High spend", Severity.CRITICAL, "https://a.example/?a=1&b=2")
CARD_FACTS = Session(
    id=ID,
    tags=("check`out", "<!channel>", "prod", "eu"),
    domains=("shop.example",),
    is_task=False,
    created_at=0.0,
    max_minutes=20.0,
)
RESULT = ResultContent("order-1", "*Not paused*", (section("*Not paused*"), actions(button(Verb.PAUSE, ID))))


def state(phase: str, verb: Verb = Verb.PAUSE, reason: str = "it loops & spends") -> SessionState:
    """Return the state that Bob's order left a session in."""
    return SessionState(Phase(phase), verb, "order-2", BOB, CHANNEL, reason, 0.0)


def _ended(status: str, at: float, before: SessionState | None = None) -> SessionState:
    return state_at_anchor(Phase.ENDED, at, before, status=status)


def card(
    content: CardContent | Alert,
    one: SessionState | None = None,
    at: str = CHANNEL,
    *,
    facts: Session | None = None,
    offers_end: bool = False,
) -> Message:
    """Return the card of a session in this state."""
    about = first(content, 0.0) if isinstance(content, Alert) else content
    states, known = {str(ID): one} if one else {}, {ID: facts} if facts else {}
    return card_message([(about, ID)], states, known, channel_id=at, offers_end=offers_end)


def fired(count: int, last_at: float = 0.0, *, resolved_at: float | None = None, alert: Alert = ALERT) -> AlertContent:
    """Return the content of a card whose alert came so many times."""
    return AlertContent(alert, count, last_at, resolved_at=resolved_at)


def got_worse(why: Worse, at: float = 1.0) -> AlertContent:
    """Return the content of a reply about a card that got worse."""
    return AlertContent(replace(ALERT, severity=Severity.CRITICAL), 1, at, reply=Reply("1785000000.000100", why))


def summary(
    contents: Sequence[AlertContent], states: Mapping[int, SessionState], *, facts_of: Sequence[int] = (0,)
) -> Message:
    """Return the summary of alerts about a session each, with the states of some, and the facts of some."""
    ids = [SessionId(f"{number:08d}{ID[8:]}") for number, _ in enumerate(contents)]
    parts = [(replace(one, alert=replace(one.alert, session_id=of)), of) for one, of in zip(contents, ids, strict=True)]
    known = {ids[number]: replace(CARD_FACTS, id=ids[number]) for number in facts_of}
    return card_message(parts, {str(ids[number]): one for number, one in states.items()}, known, channel_id=CHANNEL)


def results_of_a_window(second: Phase) -> Message:
    """Return the card about two sessions that were paused, the second one in this phase now."""
    verb = Verb.RESUME if second is Phase.RESUMED else Verb.PAUSE
    states = {str(ID): state(Phase.PAUSED), str(OTHER_ID): state(second, verb)}
    facts = {ID: CARD_FACTS}
    return card_message([(RESULT, ID), (RESULT, OTHER_ID)], states, facts, channel_id="C0OTHER0001")


SUMMARY_OF_MOST = summary([fired(1)] * MOST_IN_SUMMARY, {})
STATES: Mapping[str, SessionState | None] = {
    "firing": None,
    **{phase: state(phase) for phase in Phase if phase not in {Phase.RESUMED, Phase.ENDED, Phase.GONE}},
    "ended": _ended("timed_out <1>", 0.0),
    "resumed": state(Phase.RESUMED, Verb.RESUME),
    "unconfirmed resume": state(Phase.UNCONFIRMED, Verb.RESUME),
}
AUTO_PAUSED = replace(state(Phase.PAUSED, reason="High spend"), user_id=program_id("spend-monitor"))
CARDS: Mapping[str, Message] = {
    **{severity: alert_message(Alert(ID, "High spend", severity=severity)) for severity in Severity},
    "title and link": alert_message(Alert(ID, "It spent $40.", "High spend", url="https://a.example/1")),
    "test": SAMPLE_ALERT,
    "critical, with a mention": mentioning(
        alert_message(Alert(ID, "High spend", severity=Severity.CRITICAL)), "S0ONCALL001"
    ),
    **{name: card(ALERT, one) for name, one in STATES.items()},
    "with fields": card(replace(ALERT, fields=(("model", "large <x>"), ("spent", "$40")))),
    "three times": card(fired(3)),
    "of a program with a name": card(replace(ALERT, sender="spend-monitor"), facts=CARD_FACTS),
    "again after a pause": card(fired(2, 1.0), state(Phase.PAUSED)),
    "resolved": card(fired(2, resolved_at=0.0), state(Phase.PAUSED)),
    "with facts": card(ALERT, state(Phase.PAUSED), facts=CARD_FACTS),
    "ended, with facts": card(ALERT, _ended("completed", 0.0), facts=CARD_FACTS),
    "unknown to this key": card(ALERT, state_at_anchor(Phase.NOT_FOUND, 0.0)),
    "known no longer": card(ALERT, state_at_anchor(Phase.GONE, 1.0, state(Phase.PAUSED))),
    "ended while paused": card(ALERT, _ended("completed", 1.0, state(Phase.PAUSED)), facts=CARD_FACTS),
    "ended after a pause in doubt": card(ALERT, _ended("completed", 1.0, state(Phase.UNCONFIRMED))),
    "ended after a resume": card(ALERT, _ended("completed", 1.0, state(Phase.RESUMED, Verb.RESUME))),
    "resolved after a resume": card(fired(2, resolved_at=1.0), state(Phase.RESUMED, Verb.RESUME)),
    "firing, with facts": card(fired(3), facts=CARD_FACTS),
    "with the age alone": card(ALERT, facts=Session(id=ID, created_at=0.0)),
    "a result, later paused": card(RESULT, state(Phase.PAUSED)),
    "summary of what was paused in a window": results_of_a_window(Phase.PAUSED),
    "summary of what was paused in a window, and one was resumed": results_of_a_window(Phase.RESUMED),
    "summary of a late result and an alert": card_message(
        [(RESULT, ID), (fired(1, alert=replace(ALERT, session_id=OTHER_ID)), OTHER_ID)],
        {str(ID): state(Phase.PAUSED)},
        {},
        channel_id=CHANNEL,
    ),
    "paused by its alert": card(ALERT, AUTO_PAUSED),
    "a program writes like the bot": card(
        replace(ALERT, title="⏸️ *Paused* by @alice", text="*Paused* by <!here>\n🚨 *Critical*"), facts=CARD_FACTS
    ),
    **{
        f"its pause was not sent: {name}": card_message(
            [(first(ALERT, 0.0), ID)], {}, {}, channel_id=CHANNEL, refusals={str(ID): ("order-3", outcome)}
        )
        for name, outcome in {**NOT_AUTOMATIC, "the database failed": outcomes.StoreUnavailable()}.items()
    },
    "its token was revoked": senders.with_revoked(card(ALERT), ["spend-monitor"]),
    "reply: paused by its alert": card(got_worse(Worse.PAUSED_BY_IT, 0.0), AUTO_PAUSED),
    **{
        f"reply: {why}": card(got_worse(why), None if why is not Worse.AFTER_PAUSE else state(Phase.PAUSED))
        for why in Worse
    },
    "paused, and it can be ended": card(ALERT, state(Phase.PAUSED), facts=CARD_FACTS, offers_end=True),
    "reply, later paused": card(got_worse(Worse.MORE_SEVERE, -1.0), state(Phase.PAUSED), facts=CARD_FACTS),
    "summary of replies": summary([got_worse(why) for why in Worse], {0: state(Phase.PAUSED)}),
    "summary": summary([fired(1)] * 3, {1: state(Phase.PAUSED), 2: state(Phase.NOT_RUNNING)}),
    "summary of the newest of very many sessions": summary([replace(fired(1), group="g", total=1_437)] * 2, {}),
    "summary of the first of very many sessions": summary([replace(fired(1), group="g", total=1)], {}),
}
BAD_ALERTS: Mapping[str, object] = {
    "no object": [],
    "session_id missing": {"text": "x"},
    "session_id without an id": {"session_id": ID[:-1]},
    "two session ids": {"session_id": f"{ID} {OTHER_ID}"},
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
    *("not_in_channel", "channel_not_found", "ratelimited", "is_archived", "missing_scope", "messages_tab_disabled"),
    *("token_revoked", "restricted_action"),
)


def _refusal(fields: object) -> str:
    least = {"text": "High spend", "session_id": ID}
    try:
        read_alert(fields if fields in ([], {"text": "x"}) else {**least, **dict(fields)})  # type: ignore[call-overload]
    except BadAlertError as bad:
        return str(bad)
    raise TypeError(fields)


RESPONSES: Mapping[str, str] = {
    **{name: _refusal(fields) for name, fields in BAD_ALERTS.items()},
    **{
        name.lower().replace("_", " "): text
        for name, text in vars(cards).items()
        if name[0].isalpha() and isinstance(text, str) and " " in text
    },
    **{f"Slack says {code}": cards.refused_by_slack(code, CHANNEL) for code in SLACK_ERRORS},
    "Slack failed": cards.not_taken_by_slack("HTTP 503"),
    "another channel, of many workspaces": cards.moved("C0OTHER0001", CHANNEL, by_admins=True),
    "a direct message, of many workspaces": cards.moved("D0ALICE0001", CHANNEL, by_admins=True),
    "another channel, of one workspace": cards.moved("C0OTHER0001", CHANNEL, by_admins=False),
    "unexpected exception": cards.broken("0a1b2c3d"),
}

# --- administration ---

KEY = AnchorKey(Secret("sk-0123456789-9876"), KeyCheck.VERIFIED, "U0SETTER001", 1_785_000_000)
SHORT = AnchorKey(Secret("short"))
RULES = policy.Policy(
    policy.Rule(frozenset({BOB, ALICE})),
    policy.Rule(channels=frozenset({CHANNEL})),
    frozenset({BOB}),
)
ONE = policy.Rule(frozenset({BOB}), frozenset({CHANNEL}))
EMPTY = Workspace(TEAM, Secret("xoxb-1"), None, is_managed=True)
GROUP = "S0ONCALL001"
TOKENS = (
    AlertToken("default", "digest"),
    AlertToken("spend-monitor", "digest", "wxyz", ALICE, 1_785_000_000, frozenset({"C0OTHER0001"})),
    AlertToken("grafana", "digest", "abcd", None, 1_785_000_000),
)
FULL = replace(EMPTY, anchor_key=KEY, policy=RULES, alert_tokens=TOKENS, alerts_channel=CHANNEL)
PAUSING = replace(EMPTY, alert_tokens=(replace(TOKENS[1], may_pause=True),))
FIRST = Home(EMPTY, policy.Role.MEMBER, "e1")
ADMINS = replace(FIRST, role=policy.Role.ADMIN)


def with_key(key: AnchorKey) -> Workspace:
    """Return a workspace that has only this key."""
    return replace(EMPTY, anchor_key=key)


HOMES: Mapping[str, View] = {
    name: home_view(one)
    for name, one in {
        "no key, member": FIRST,
        "no key, admin": ADMINS,
        "no key, role unknown": replace(FIRST, role=policy.Role.UNKNOWN),
        "no key, scope missing": replace(FIRST, role=policy.Role.SCOPE_MISSING, install_url=INSTALL_URL),
        "everything set, member": replace(FIRST, workspace=FULL),
        "everything set, admin": replace(
            ADMINS, workspace=FULL, tokens_used={"default": 1_785_000_000.0, "grafana": 0.0}
        ),
        "single workspace": replace(FIRST, workspace=replace(FULL, anchor_key=SHORT, is_managed=False)),
        "single workspace, scope missing": replace(
            FIRST, workspace=replace(FULL, is_managed=False), role=policy.Role.SCOPE_MISSING
        ),
        **{f"key {check}": replace(FIRST, workspace=with_key(replace(KEY, check=check))) for check in KeyCheck},
        "short key, admin": replace(ADMINS, workspace=with_key(SHORT)),
        "one person, one channel": replace(FIRST, workspace=replace(EMPTY, policy=policy.Policy(ONE, ONE))),
        "user group chosen": replace(ADMINS, workspace=replace(FULL, alerts_group=GROUP)),
        "pauses by alerts observed": replace(FIRST, workspace=replace(PAUSING, auto_pause=AutoPause.OBSERVE)),
        "pauses by alerts on": replace(FIRST, workspace=replace(PAUSING, auto_pause=AutoPause.ON)),
        "pauses by alerts on, and no token can pause": replace(
            FIRST, workspace=replace(PAUSING, auto_pause=AutoPause.ON, alert_tokens=())
        ),
        "pauses by alerts on, admin": replace(ADMINS, workspace=replace(PAUSING, auto_pause=AutoPause.ON)),
        "channel chosen, no token": replace(FIRST, workspace=replace(EMPTY, alerts_channel=CHANNEL)),
    }.items()
}
_URL = f"https://bot.example.com/alerts/{TEAM}"
SETTINGS_MODALS: Mapping[str, View] = {
    "key: first": key_modal(EMPTY),
    "key: replaced": key_modal(FULL),
    "key: short key replaced": key_modal(with_key(SHORT)),
    "removal of a key": removal_modal(FULL, KEY),
    "removal of a short key": removal_modal(FULL, SHORT),
    "permissions: no rules": policy_modal(EMPTY),
    "permissions: rules": policy_modal(FULL),
    "alerts: a new token": new_token_modal(EMPTY, _URL),
    "alerts: a token": token_modal(FULL, TOKENS[1], 1_785_000_000.0, [CHANNEL]),
    "alerts: a token that was never used": token_modal(FULL, TOKENS[2], 0.0, []),
    "an answer": settings.answer_view(next(iter(TITLES.values())), "(an answer)", "(a text to copy)"),
}
CHANGES: Mapping[str, settings.Reply] = {
    "no admin": settings.not_admin(policy.Role.MEMBER),
    "role unknown": settings.not_admin(policy.Role.UNKNOWN),
    "scope missing": settings.not_admin(policy.Role.SCOPE_MISSING),
    "workspace not served": settings.NOT_SERVED,
    "outdated": settings.OUTDATED,
    "no database": settings.NOT_SAVED,
    "cut short": settings.INTERRUPTED,
}
KEYS: Mapping[str, settings.Reply] = {
    "saved": settings.key_saved(KEY, None),
    "short key saved": settings.key_saved(replace(SHORT, check=KeyCheck.VERIFIED), None),
    "saved, not verified": settings.key_saved(replace(KEY, check=KeyCheck.UNVERIFIED), None),
    "no key": settings.NOT_A_KEY,
    "refused": settings.key_not_accepted(NewKeyRejected(401)),
    "no answer": settings.key_not_accepted(NewKeyUnverified(None)),
    "another answer": settings.key_not_accepted(NewKeyUnverified(503)),
    "no database": settings.KEY_NOT_SAVED,
    "removed": settings.key_removed(KEY),
    "short key removed": settings.key_removed(SHORT),
}
TESTED: Mapping[str, settings.Reply] = {
    "posted": settings.alert_posted(CHANNEL),
    "unanswered": settings.alert_unanswered(CHANNEL),
    "no channel": settings.NO_CHANNEL,
    **{f"refused, {code}": settings.alert_refused(CHANNEL, code) for code in (*SLACK_ERRORS, "invalid_auth")},
}
SETTINGS_ANSWERS: Mapping[str, str] = {
    **{f"nothing changed: {name}": reply.text for name, reply in CHANGES.items()},
    **{f"key: {name}": reply.text for name, reply in KEYS.items()},
    "permissions: saved": settings.policy_saved(RULES).text,
    **{f"test alert: {name}": reply.text for name, reply in TESTED.items()},
    "user group: saved": settings.group_saved(GROUP).text,
    "user group: removed": settings.group_saved(None).text,
    "user group: no id": settings.NOT_A_GROUP.text,
    **{f"pauses by alerts: {mode}": senders.auto_pause_saved(mode).text for mode in AutoPause},
    "alerts token: made": senders.token_made(Secret("alerts-token"), _URL, TOKENS[1]).text,
    "alerts token: no name": senders.name_problem("a=b", TOKENS),
    "alerts token: a name that is taken": senders.name_problem("default", TOKENS),
    "alerts token: too many": senders.name_problem("x", [replace(TOKENS[0], name=f"{n}") for n in range(20)]),
    "alerts token: saved": senders.token_changed("changed", TOKENS[1]).text,
    "alerts token: revoked": senders.TOKEN_REVOKED.text,
    "waiting: the outcome will come": settings.CHECKING,
    "waiting: the modal will come": settings.ONE_MOMENT,
    "waiting: no modal, the database is away": settings.MODAL_NOT_OPENED,
    "waiting: no modal, it was too late": settings.TOO_LATE,
    "waiting: the modal with the token was closed": senders.UNSEEN,
    "waiting: nobody is selected": settings.NOBODY_SELECTED,
}
DIRECT: Mapping[str, Message] = {
    "key set": settings.key_saved(KEY, None).notice(ALICE),
    "key set, not verified": settings.key_saved(replace(KEY, check=KeyCheck.UNVERIFIED), None).notice(ALICE),
    "key replaced": settings.key_saved(KEY, SHORT).notice(ALICE),
    "key replaced by one of another account": settings.key_saved(KEY, SHORT, 3).notice(ALICE),
    "key removed": settings.key_removed(KEY).notice(ALICE),
    "permissions changed": settings.policy_saved(RULES).notice(ALICE),
    "alerts channel chosen": settings.alert_posted(CHANNEL).notice(ALICE),
    "user group chosen": settings.group_saved(GROUP).notice(ALICE),
    "user group removed": settings.group_saved(None).notice(ALICE),
    **{f"pauses by alerts: {mode}": senders.auto_pause_saved(mode).notice(ALICE) for mode in AutoPause},
    "alerts token can pause": senders.token_changed("changed", replace(TOKENS[1], may_pause=True)).notice(ALICE),
    "alerts token made": senders.token_made(Secret("alerts-token"), _URL, TOKENS[1]).notice(ALICE),
    "alerts token changed": senders.token_changed("changed", TOKENS[1]).notice(ALICE),
    "alerts token reaches nothing else": senders.token_changed("changed", TOKENS[2]).notice(ALICE),
    "alerts token revoked": senders.token_changed("revoked", TOKENS[1]).notice(ALICE),
    "no token can pause": senders.in_vain_message(replace(PAUSING, is_managed=True)),
    "no token can pause, one workspace": senders.in_vain_message(replace(PAUSING, is_managed=False)),
    "wrong alert tokens": senders.WRONG_TOKENS_MESSAGE,
    "an alert without a session": senders.lost_message(Lost.NO_SESSION, 1, ["AnchorDown"]),
    "alerts without a session": senders.lost_message(Lost.NO_SESSION, 1_200, ["AnchorDown", ""]),
    "alerts left out": senders.lost_message(Lost.LEFT_OUT, 3, ()),
    "alerts in requests that were too large": senders.lost_message(Lost.TOO_LARGE, 3, ["prom"]),
    "key refused, admins replace it": settings.key_refused_message(KEY, by_admins=True),
    "key refused, the operator replaces it": settings.key_refused_message(KEY, by_admins=False),
    "scope missing": settings.reinstall_message(INSTALL_URL),
}


def status_of_home(
    scopes: checks.Kind, channel: checks.Kind | None, *missing: str, install_url: str = INSTALL_URL
) -> str:
    """Return what the Home of an admin says about these findings; "" if nothing."""
    findings = {checks.CheckName.SCOPES: checks.Finding(scopes, {"scopes": ", ".join(missing)})}
    findings |= {checks.CheckName.ALERT_CHANNEL: checks.Finding(channel, VALUES)} if channel else {}
    found = [checks.Checked(name, finding) for name, finding in findings.items()]
    return home_status(found, install_url=install_url) or ""


# --- the doctor: one line for each finding ---

VALUES = {
    "transport": "HTTP",
    "tenancy": "one workspace",
    "permissions": "everybody",
    "mode": "on",
    "tokens": "spend-monitor, grafana",
    "database": "/srv/anchor-bot.db",
    "warnings": "PAUSE_USER is no setting of the bot.",
    "problems": "PORT is not a port.",
    "host": "slack.com",
    "why": "a reason",
    "seconds": "7",
    "url": "https://bot.example.com/slack/events",
    "reasons": "Slack can't be reached.",
    "who": "Slack",
    "setting": "SLACK_API_URL",
    "team": TEAM,
    "name": "Acme",
    "bot": "anchor",
    "code": "not_in_channel",
    "scopes": "users:read",
    "channel": CHANNEL,
    "status": "401",
    "version": "1",
    "own": "2",
    "sentence": "DATABASE_URL: the bot cannot use the database (a reason).",
}
KINDS: tuple[checks.Kind, ...] = (
    *(*checks.Good, *checks.Questionable, *checks.Wrong),
    *(*checks.Unanswered, *checks.Skipped),
)


def _line(name: checks.CheckName, kind: checks.Kind, team_id: str = "") -> str:
    return check_line(checks.Checked(name, checks.Finding(kind, VALUES), team_id))


FINDINGS: Mapping[str, str] = {
    **{kind.code: _line(checks.CheckName.SETTINGS, kind) for kind in KINDS},
    "of a workspace": _line(checks.CheckName.SCOPES, checks.Wrong.KEY_UNSET, TEAM),
}
STATUS: Mapping[str, str] = {
    "fine": status_of_home(checks.Good.SCOPES_GRANTED, checks.Good.CHANNEL_OPEN),
    "no channel": status_of_home(checks.Good.SCOPES_GRANTED, checks.Skipped.CHANNEL_UNSET),
    "failures": status_of_home(checks.Wrong.SCOPES_MISSING, checks.Wrong.CHANNEL_REFUSED, "commands"),
    "older installation": status_of_home(checks.Wrong.SCOPES_MISSING, checks.Skipped.NOT_CHECKED, *SCOPES),
    "older installation without OAuth": status_of_home(
        checks.Wrong.SCOPES_MISSING, checks.Skipped.NOT_CHECKED, "chat:write", install_url=""
    ),
}

# --- past orders ---

_BATCH_ID = "01936d2a40e8" + 16 * "0"
PAST = PastOrder(
    id="1",
    team_id=TEAM,
    session_id=ID,
    verb="pause",
    reason="it <loops> & spends",
    source="command",
    user_id=ALICE,
    home_team_id=TEAM,
    channel_id=CHANNEL,
    thread_ts=None,
    state="settled",
    outcome="Paused",
    outcome_fields="{}",
    delivered_by="ack",
    given_at=1_785_000_000.0,
    settled_at=1_785_000_000.5,
    told_at=1_785_000_001.0,
)


def home_with(orders: tuple[PastOrder, ...] | None, *, is_admin: bool = False, viewer: str = BOB) -> View:
    """Return the Home of somebody with the last orders; None if they can't be read."""
    role = policy.Role.ADMIN if is_admin else policy.Role.MEMBER
    return home_view(replace(FIRST, role=role, last=LastOrders(orders, viewer, is_admin=is_admin)))


_KINDS = [kind.__name__ for kind in get_args(outcomes.Outcome) if kind is not outcomes.NotSent]
_NAMES = (None, "OfANewerVersion", *_KINDS)
_BY_OPERATOR = replace(PAST, user_id=operator_id("alice"), channel_id="")
PAST_IN_HOME: Mapping[str, View] = {
    "without": HOMES["no key, member"],
    "no order": home_with(()),
    "an order of somebody": home_with((PAST,)),
    "an order of one's own": home_with((PAST,), viewer=ALICE),
    "an order, admin": home_with((replace(PAST, channel_id="D0ALICE0001", reason=""),), is_admin=True),
    "an order of the command line": home_with((_BY_OPERATOR,), is_admin=True),
    "a batch of orders": home_with((replace(PAST, batch_id=_BATCH_ID, batch_total=37, batch_done=35),), viewer=ALICE),
    "a database that fails": home_with(None),
}


def _past(verb: Verb, outcome: str | None, why: str = "") -> str:
    past = replace(PAST, verb=verb.value, outcome=outcome, outcome_fields=f'{{"why": "{why}"}}')
    blocks = home_with((past,)).blocks
    return next(str(block["text"]["text"]).splitlines()[0] for block in blocks if ID in str(block))


PAST_OUTCOMES: Mapping[str, str] = {
    **{f"{verb}: {name}": _past(verb, name) for verb in Verb for name in _NAMES},
    "pause: NotSent, resumed since": _past(Verb.PAUSE, "NotSent", WhyNot.RESUMED_SINCE),
    **{f"resume: NotSent, {why}": _past(Verb.RESUME, "NotSent", why) for why in WhyNot if "resumed" not in why},
}
_OF_BATCH = replace(PAST, batch_id=_BATCH_ID)
PAST_IN_MODAL: Mapping[str, View] = {
    "no order": history_modal([]),
    "one order": history_modal([PAST]),
    "a database that fails": history_modal(None),
    "more": history_modal([PAST] * 101),
    "one of a batch": history_modal([_OF_BATCH]),
}

# --- lists of sessions ---

LISTED = replace(PROGRAM, created_at=NOW - 3_900, tags=("checkout", "<!here> & `prod`", "eu", "blue"), max_minutes=180)
BARE = Session(id=OTHER_ID, status="warming up", steps=1)
LONG = replace(LISTED, tags=("&" * 99,) * 9, domains=(f"{'x' * 99}.example",) * 3)


def many(one: Session) -> tuple[Session, ...]:
    """Return seventeen sessions like this one."""
    return tuple(replace(one, id=SessionId(f"{number:08x}{ID[8:]}")) for number in range(17))


def running(*sessions: Session, is_complete: bool = True) -> SessionList:
    """Return a list of these sessions."""
    return SessionList(sessions, is_complete, NOW)


def seen(found: SessionList | NotRead, paused: Mapping[str, SessionState] | None, **more: Any) -> Overview:  # noqa: ANN401 - of any field
    """Return what Bob sees of these sessions, of which some are paused."""
    return Overview(found, paused, **{"allowed": frozenset(Verb), "viewer_id": BOB, "read_at": NOW, **more})


def listed(found: SessionList, words: str = "", **more: Any) -> Message:  # noqa: ANN401 - of any field
    """Return the answer with sessions, for Bob."""
    return overview(found, more.pop("paused", {}), words=words, **more)


def by_alice(*paused: str) -> dict[str, SessionState]:
    """Return the pauses of sessions, by Alice."""
    return dict.fromkeys(paused, WAS_PAUSED)


def overview(found: SessionList | NotRead, paused: Mapping[str, SessionState] | None, **more: Any) -> Message:  # noqa: ANN401 - of any field
    """Return the list, for Bob."""
    return list_message(seen(found, paused, **more), dashboard_url=DASHBOARD)


def after(verb: Verb, outcome: outcomes.Outcome | None) -> Message:
    """Return the line and the button of a row in which Bob has given an order."""
    update = list_update(Order(verb, ID, Actor(TEAM, CHANNEL, BOB)), outcome, now=NOW, order_id="1" * 28)
    return from_blocks([section(update.line, update.button)])


WAS_PAUSED = SessionState(Phase.PAUSED, Verb.PAUSE, "1" * 28, ALICE, CHANNEL, "it <loops> & spends", NOW - 600)
MANY = [one.id for one in many(BARE)]
REFUSALS: Mapping[str, outcomes.Refusal] = {
    "no key": outcomes.NoKey(),
    "no key, the person can set it": outcomes.NoKey(can_set=True),
    "a guest": policy.NotAMember(policy.Role.GUEST),
    "another channel": policy.NotHere(frozenset({CHANNEL})),
    "the database failed": outcomes.StoreUnavailable(),
}
LISTS: Mapping[str, Message] = {
    "all": listed(running(LISTED, BARE)),
    "one": listed(running(BARE)),
    "none": listed(running()),
    "none found, not everything read": listed(running(is_complete=False)),
    "more than are shown, not everything read": listed(running(*many(BARE), is_complete=False)),
    "some are paused": listed(running(LISTED, BARE), paused=by_alice(OTHER_ID)),
    "many are paused": listed(running(LISTED, *many(BARE)), paused=by_alice(*MANY)),
    "one is paused": listed(running(BARE), paused=by_alice(OTHER_ID)),
    "some are paused, to an admin who can't resume": listed(
        running(LISTED), paused=by_alice(ID), is_admin=True, allowed=frozenset({Verb.PAUSE})
    ),
    "row: a pause under way": after(Verb.PAUSE, None),
    "row: paused": after(Verb.PAUSE, outcomes.Paused()),
    "row: a pause that failed": after(Verb.PAUSE, outcomes.Failed(500)),
    "row: a pause in doubt": after(Verb.PAUSE, outcomes.Unconfirmed(outcomes.Doubt.TIMED_OUT)),
    "row: a pause that was refused": after(Verb.PAUSE, outcomes.Overloaded()),
    "row: a pause of what does not run": after(Verb.PAUSE, outcomes.NotRunning()),
    "row: a resume under way": after(Verb.RESUME, None),
    "row: a resume in doubt": after(Verb.RESUME, outcomes.Unconfirmed(outcomes.Doubt.TIMED_OUT)),
    "row: resumed": after(Verb.RESUME, outcomes.Resumed()),
    "words: one matches": listed(running(LISTED, BARE), "checkout"),
    "words: all match": listed(running(LISTED, replace(BARE, tags=("eu",))), "e"),
    "words: some are paused": listed(running(LISTED, replace(BARE, tags=("eu",))), "e", paused=by_alice(OTHER_ID)),
    "words: none matches": listed(running(LISTED, BARE), "a `b` <c>"),
    "words: none matches, some are paused": listed(running(LISTED, BARE), "x-y", paused=by_alice(ID)),
    "words: none matches, not everything read": listed(running(LISTED, is_complete=False), "x-y"),
    "words: none runs": listed(running(), "x"),
    "words: none matches, of a resume": listed(running(LISTED), "x-y", verb=Verb.RESUME),
    "words: one matches that is paused and not listed": listed(
        running(), ID[:8], paused=by_alice(ID), verb=Verb.RESUME
    ),
    "waiting": reading_message(Verb.PAUSE, ""),
    "waiting for words": reading_message(Verb.RESUME, "checkout"),
    "overview": overview(running(LISTED, BARE), by_alice(OTHER_ID)),
    "overview: one's own pause": overview(running(), by_alice(ID), viewer_id=ALICE),
    "overview: a pause, to an admin": overview(running(LISTED), by_alice(ID), is_admin=True),
    "overview: nothing": overview(running(), {}),
    "overview: what is paused first": overview(running(LISTED, BARE), by_alice(ID), verb=Verb.RESUME),
    "overview: no buttons where they are": overview(running(LISTED), by_alice(ID), allowed=frozenset()),
    "overview: no buttons, another session": overview(running(BARE), {}, allowed=frozenset()),
    "overview: not everything read": overview(running(is_complete=False), None),
    "overview: many": overview(running(LISTED, *many(BARE), is_complete=False), by_alice(*MANY)),
    "overview: Anchor can't be read": overview(NotRead(Unread.TIMED_OUT), by_alice(ID)),
    "words: Anchor can't be read, of a resume": overview(
        NotRead(Unread.RATE_LIMITED), by_alice(ID), words="x", verb=Verb.RESUME
    ),
    **{f"refused: {name}": list_refusal(one, dashboard_url=DASHBOARD) for name, one in REFUSALS.items()},
    **{f"not read: {why}": ephemeral(not_read_text(NotRead(why), dashboard_url=DASHBOARD)) for why in Unread},
    **{
        f"not read: {why}, {name}": ephemeral(not_read_text(NotRead(why), dashboard_url=DASHBOARD, ordered=ordered))
        for why in (Unread.UNREACHABLE, Unread.RATE_LIMITED)
        for name, ordered in (("eight digits", str(ID)[:8]), ("words", "checkout"))
    },
    "not read: with a status": ephemeral(not_read_text(NotRead(Unread.KEY_REJECTED, 401), dashboard_url=DASHBOARD)),
    "facts: its end is past": ephemeral(session_facts(replace(LISTED, created_at=NOW - 20_000), now=NOW)),
    "facts: nothing": ephemeral(session_facts(Session(id=ID, status=RUNNING), now=NOW)),
}
LONGEST: Mapping[str, Message] = {
    "longest list": listed(running(*many(LONG), is_complete=False)),
    "longest list, all paused": listed(running(*many(LONG)), paused=by_alice(*MANY)),
    "longest overview": overview(running(*many(LONG), is_complete=False), by_alice(*MANY)),
}
OVERVIEW = seen(running(LISTED), by_alice(OTHER_ID))
OVERVIEW_BLOCKS = tuple(list_blocks(OVERVIEW, dashboard_url=DASHBOARD))
SESSION_MODALS: Mapping[str, View] = {
    "loading": loading_modal(),
    "sessions": sessions_modal(OVERVIEW, "origin", dashboard_url=DASHBOARD),
    "sessions, with an alert channel": sessions_modal(
        replace(OVERVIEW, shown_in=CHANNEL), "origin", dashboard_url=DASHBOARD
    ),
    "sessions, from a message, with a note": sessions_modal(
        OVERVIEW, "origin", dashboard_url=DASHBOARD, note="(the result)", has_thread=True
    ),
    "refused": message_modal(list_refusal(outcomes.NoKey(can_set=True), dashboard_url=DASHBOARD)),
    "refused, with a note": message_modal(list_refusal(outcomes.NoKey(), dashboard_url=DASHBOARD), "(the note)"),
}


def choice_of(*contexts: str, is_complete: bool = True) -> View:
    """Return the modal to choose among sessions with these words around their ids."""
    ids = (ID, OTHER_ID, *(SessionId(f"{number:08x}{ID[8:]}") for number in range(58)))
    mentions = tuple(Mention(one, context) for one, context in zip(ids, contexts, strict=False))
    return pausing.choice_modal(Mentions(mentions, is_complete=is_complete), "origin")


MORE_THAN_FIT = choice_of(*(f"No. {number} & <co>" for number in range(60)))
CHOICE: Mapping[str, Example] = {
    "several ids": choice_of("Scraper spends:", ""),
    "one id in a message that is too long": choice_of("Scraper spends:", is_complete=False),
    "no id": pausing.no_id_note(is_complete=True),
    "no id in a message that is too long": pausing.no_id_note(is_complete=False),
    "nothing chosen": pausing.NOTHING_CHOSEN,
    "text without an id": NO_SESSION,
    "out of date": pausing.OUT_OF_DATE,
    "not opened": NOT_OPENED,
}

# --- several sessions that are paused at once ---


ALL_THAT_RUN = Choice()


def offer(*sessions: Session, choice: Choice = ALL_THAT_RUN, total: int = 0, **more: Any) -> View:  # noqa: ANN401 - of any field
    """Return the window that offers these sessions, of so many."""
    chosen = SessionList(sessions, more.pop("is_complete", True), NOW, total=total)
    offered = pausing.Offer(choice, more.pop("running", chosen), chosen, sessions, **more)
    return pausing.several_modal(offered, "state", at=0)


_CHANGED = {"Began": [ID], "Ended": [OTHER_ID], "Resumed": [one.id for one in many(BARE)]}
SEVERAL: Mapping[str, Example] = {
    "some run": offer(LISTED, BARE),
    "some are paused": offer(LISTED, BARE, paused=by_alice(OTHER_ID)),
    "one runs": offer(BARE, choice=Choice("checkout")),
    "one is paused": offer(BARE, paused=by_alice(OTHER_ID)),
    "words, not everything read": offer(LISTED, BARE, choice=Choice("a `b` <c>"), is_complete=False),
    "from a summary": offer(LISTED, BARE, choice=Choice(ids=(ID, OTHER_ID))),
    "held back": offer(LISTED, BARE, choice=Choice(held_id="order-1")),
    "something is called all": offer(LISTED, running=running(replace(BARE, tags=(ALL_WORD,)))),
    "more than are offered": offer(*many(BARE) * 15, total=1_300, is_complete=False),
    "more than are offered, without the database": offer(*many(BARE) * 6, total=250, notes=(pausing.NOT_WHOLE,)),
    "an old window": offer(LISTED, BARE, changes=_CHANGED, left_out=frozenset({ID})),
    "an old window, Anchor can't be read": offer(
        LISTED, BARE, is_complete=False, changes={"Began": [], "Ended": []}, notes=(pausing.UNREAD_NOW,)
    ),
    "a window that can't be read": offer(LISTED, BARE, notes=(pausing.SHOWN_LOST,)),
    "waiting": pausing.READING_SEVERAL,
    "none runs": pausing.none_runs_text(running(), ALL_THAT_RUN),
    "none was found, not everything read": pausing.none_runs_text(running(is_complete=False), ALL_THAT_RUN),
    "none matches": pausing.none_runs_text(running(), Choice("a `b`")),
    "none still fires": pausing.none_runs_text(running(), Choice(held_id="order-1")),
    "no permission": list_refusal(policy.NotNamed(frozenset({BOB}), many=True), dashboard_url=DASHBOARD),
    "nobody is left": pausing.NOBODY_LEFT,
    "begun late": pausing.SEVERAL_BEGUN,
    "out of date": pausing.SEVERAL_OUT_OF_DATE,
}

# --- sessions that alerts did not pause ---


def held(count: int, *reasons: str) -> HeldContent:
    """Return the message about so many sessions, of which the last ones have these reasons."""
    content = HeldContent("order-1", 20, NOW + 600)
    for number in range(count):
        session_id = SessionId(f"{number:08x}{ID[8:]}")
        content = content.with_session(session_id, reasons[number % len(reasons)], program_id("spend-monitor"))
    return content


TWELVE = held(12, "High `spend` & <!here>", "Loop", "x" * 99, "Login", "Other")
HELD: Mapping[str, Example] = {
    "the message": card_message([(TWELVE, SessionId(""))], {}, {}, channel_id=CHANNEL),
    "the message about one session": sessions.held_message(held(1, "High spend")),
    "pauses that failed for any reason, beyond three": sessions.held_message(
        replace(held(4, "High spend"), paused=0, calls=True)
    ),
}

# --- many sessions that are paused at once ---


def batched(*ends: outcomes.Outcome | None) -> list[BatchedOrder]:
    """Return the orders of a batch with these outcomes."""
    return [BatchedOrder(f"order-{number}", SessionId(f"{number:08x}{ID[8:]}"), end) for number, end in enumerate(ends)]


BATCH = BatchContent(ALICE, CHANNEL, "it loops & spends", "shop")
_EARLIER = "https://acme.slack.com/archives/C0ALERTS001/p1785000000000100"
_SOME = (
    *(outcomes.Paused(), outcomes.NotRunning(), outcomes.NotFound(), outcomes.Unconfirmed(outcomes.Doubt.TIMED_OUT)),
    *(
        outcomes.Failed(500),
        outcomes.RateLimited(60.0),
        RESUMED_SINCE,
        outcomes.NoKey(),
        NO_TURN,
    ),
)
_ORDERS = batched(*4 * [outcomes.Paused()])
_NEWER: dict[str, SessionState] = {
    _ORDERS[0].session_id: state("paused"),
    _ORDERS[1].session_id: state("resumed", Verb.RESUME),
}
_AS_IT_IS: dict[str, SessionState] = {one.session_id: replace(state("paused"), order_id=one.id) for one in _ORDERS[2:]}
_BACK = (
    *(outcomes.Resumed(), outcomes.Unconfirmed(outcomes.Doubt.TIMED_OUT), PAUSED_SINCE, LATE),
    *(outcomes.TooManyRepeats(3.0), outcomes.NotSent(WhyNot.ENDING, BOB)),
)
BATCHES: Mapping[str, Example] = {
    "under way": batches.batch_message(BATCH, batched(outcomes.Paused(), None), _BATCH_ID),
    "under way, with failures": batches.batch_message(BATCH, batched(*_SOME, None), _BATCH_ID),
    "beside an earlier one": batches.batch_message(
        BATCH,
        batched(None),
        _BATCH_ID,
        earlier=_EARLIER,
    ),
    "all paused": batches.batch_message(BatchContent(ALICE), batched(outcomes.Paused()), _BATCH_ID),
    "seven paused, of which some have names": batches.batch_message(
        BatchContent(ALICE, names={_ORDERS[0].session_id: "checkout <1>", _ORDERS[1].session_id: "shop.example"}),
        batched(*7 * [outcomes.Paused()]),
        _BATCH_ID,
    ),
    "one of an outside program": batches.batch_message(
        BatchContent(ALICE, outside=1), batched(outcomes.Paused()), _BATCH_ID
    ),
    "the database failed": batches.batch_message(
        BATCH, batched(*2 * [outcomes.Paused()]), _BATCH_ID, note=batches.UNRECORDED
    ),
    "each end": batches.batch_message(BATCH, batched(*_SOME), _BATCH_ID),
    "resumed": batches.batch_message(BatchContent(ALICE, verb=Verb.RESUME), batched(*_BACK), _BATCH_ID),
    "began meanwhile": batches.begun_message(many(LISTED), now=NOW),
    "whether others began is not known": batches.begun_message(None, now=NOW),
    "the question": batches.resume_modal(_ORDERS, _NEWER | _AS_IT_IS, "seen"),
    "nothing to resume": batches.resume_modal(_ORDERS[:2], _NEWER, "seen"),
    "the answer without the database": batches.resume_answer(batches.NO_DATABASE),
    "none paused, of very many": batches.batch_message(BATCH, batched(*250 * [outcomes.Overloaded()]), _BATCH_ID),
}

# --- pages of the installation ---

_ENDS = (
    *(installed_page(TEAM, "Acme", has_key=False), install.DENIED),
    *(install.UNKNOWN_STATE, install.FOREIGN_BROWSER, install.REPLAYED, install.EXPIRED),
    *(declined_page(("commands", "chat:write")), install.ORG_WIDE, install.TOKEN_ROTATES, install.SLACK_SILENT),
    *(install.CODE_REFUSED, install.WRONG_REDIRECT, refused_page("invalid_client_id"), install.NO_DATABASE),
)
PAGES: Mapping[str, Page] = {
    **{page.outcome: page for page in _ENDS},
    "Installed again": installed_page(TEAM, "Acme", has_key=True),
    "broken": broken_page("1234abcd"),
}
LONG_PAGE = refused_page("x" * 1000)


def _of(verb: Verb) -> Mapping[str, Message]:
    return {name.removeprefix(f"{verb}: "): one for name, one in {**ANSWERS, **FACTS}.items() if name.startswith(verb)}


ENDING: Mapping[str, View] = {
    "the question": end_window(end_question(ID, TASK, now=900.0), "origin"),
    "the question, and nothing is known": end_window(end_question(ID, None, now=900.0), "origin"),
    "before the question": end_window(ASKING_TO_END),
    "refused": end_window(answer("end", policy.NotAdmin()), "origin"),
}

SECTIONS: Mapping[str, Mapping[str, Example]] = {
    "Answers to a pause": _of(Verb.PAUSE),
    "Answers to a resume": _of(Verb.RESUME),
    "Lines in a clicked message": LINES,
    "Lists of sessions": LISTS,
    "The window of the global shortcut": SESSION_MODALS,
    "Alert cards": CARDS,
    "Reminders of paused sessions": REMINDERS,
    "The window before a session is ended": ENDING,
    "Other answers in Slack": NOTICES,
    "The window of the message shortcut, to choose sessions in": CHOICE,
    "The window to pause several sessions": SEVERAL,
    "Sessions that alerts did not pause": HELD,
    "The result of many pauses at once": BATCHES,
    "Responses of `POST /alerts`": RESPONSES,
    "Direct messages about settings": DIRECT,
    "Home": HOMES,
    "The status in an admin's Home": STATUS,
    "Past orders in Home": PAST_IN_HOME,
    "Each outcome of a past order": PAST_OUTCOMES,
    "The window of past orders": PAST_IN_MODAL,
    "Settings modals": SETTINGS_MODALS,
    "Answers in settings modals": SETTINGS_ANSWERS,
    "Pages of the installation": PAGES,
    "Lines of `anchor-bot doctor`": FINDINGS,
}
"""All examples. Of a section of views, the page shows the first one whole, and of the others the lines that differ."""

KINDS_OF: Mapping[str, tuple[object, Iterable[object]]] = {
    "outcome of an order": (outcomes.Outcome, [*OUTCOMES.values(), *NOT_AUTOMATIC.values()]),
    "outcome that changes the clicked message": (
        outcomes.KeyTaken | outcomes.NotSent,
        CLICKED.values(),
    ),
}
"""The types of outcomes, and those that have an example."""

_LONG_RULE = policy.Rule(_long_ids("U"), _long_ids("C"))
_LONG_POLICY = policy.Policy(_LONG_RULE, _LONG_RULE, _LONG_RULE.users)
LONG_POLICY = settings.policy_saved(_LONG_POLICY).notice(ALICE)
_LONG_REASON = "too fast & <much> " * 40
_ALL = {f"{title}: {name}": one for title, part in SECTIONS.items() for name, one in part.items()}
MESSAGES: Mapping[str, Message] = {
    **{name: one for name, one in _ALL.items() if isinstance(one, Message)},
    **{f"{name}, with a long reason": answer(name, outcome, _LONG_REASON) for name, outcome in OUTCOMES.items()},
    "alert: everything": alert_message(ALERT),
    **LONGEST,
}
VIEWS: Mapping[str, View] = {
    **{name: one for name, one in _ALL.items() if isinstance(one, View)},
    **{f"answer: {name}": settings.answer_view("Settings", text) for name, text in SETTINGS_ANSWERS.items()},
    "more sessions than fit": MORE_THAN_FIT,
    "most sessions to pause at once": offer(*many(LONG) * 15, choice=Choice("&" * 100), changes=_CHANGED),
    **{
        f"very many names, {role}": home_view(replace(FIRST, role=role, workspace=replace(FULL, policy=_LONG_POLICY)))
        for role in policy.Role
    },
}
