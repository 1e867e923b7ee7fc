"""Messages and views, and what they are made of, for tests of their rules."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from bot.core import alerts, cards, outcomes, permissions
from bot.core import sessions as product
from bot.core.alert_tokens import AlertToken
from bot.core.commands import Choice
from bot.core.fields import Secret
from bot.core.journal import BatchedOrder
from bot.core.orders import Actor, Order, Verb
from bot.core.outcomes import Why
from bot.core.session_ids import SessionId
from bot.core.sessions import RUNNING, Deadline, NotRead, Overview, Phase, Session, SessionList, SessionState
from bot.core.workspace import AnchorKey, KeyCheck, Workspace
from bot.messages import batches, install, results, settings
from bot.messages import help as help_texts
from bot.messages.blocks import Message, View, actions, section
from bot.messages.buttons import button
from bot.messages.cards import card_message
from bot.messages.home import Home, home_view
from bot.messages.install import Page, installed_page
from bot.messages.reminders import ended_message, reminder_message
from bot.messages.sessions import list_blocks, list_message
from bot.sim.slack.content import objects

ID = SessionId("3f2b8c1e-7d4a-4f0b-9a56-0c1d2e3f4a5b")
OTHER_ID = SessionId("9c0d7e11-2222-4333-8444-555566667777")
ALICE, BOB, CHANNEL, TEAM = "U0ALICE0001", "U0BOB000001", "C0ALERTS001", "T0HOME00001"
NOW = 1_785_000_000.0
TASK = Session(
    id=ID,
    status=RUNNING,
    created_at=NOW - 600,
    tags=("checkout",),
    domains=("shop.example", "bank.example"),
    key_name="secret-name",
    is_task=True,
    max_minutes=20,
)
PROGRAM = replace(TASK, is_task=False)
PAUSED, RESUMED = outcomes.Paused(), outcomes.Resumed()
PAUSED_SINCE = outcomes.Refusal(Why.PAUSED_SINCE, BOB, version="1" * 28)
RESUMED_SINCE = outcomes.Refusal(Why.RESUMED_SINCE, BOB)
LATE = outcomes.Refusal(Why.LATE, seconds=10.0)


def order(name: str, reason: str = "") -> Order:
    """Return the order that an example is about."""
    return Order(Verb(name.partition(":")[0]), ID, Actor(TEAM, CHANNEL, ALICE), reason)


def answer(name: str, outcome: outcomes.Outcome, reason: str = "", **more: Any) -> Message:
    """Return the answer to the order of this name."""
    return results.outcome_message(order(name, reason), outcome, **{"now": 0.0, **more})


def progress(*known: outcomes.Outcome | None) -> str:
    """Return what is told of a batch with these outcomes."""
    return batches.batch_text(cards.BatchContent("U"), [BatchedOrder("", ID, one) for one in known])


def _ids(letter: str, count: int) -> frozenset[str]:
    return frozenset(f"{letter}0{number:03}" for number in range(count))


def _long_ids(letter: str) -> frozenset[str]:
    return frozenset(f"{letter}{number:030}" for number in range(300))


NOT_AUTOMATIC: Mapping[str, outcomes.Refusal] = {
    "observed": outcomes.Refusal(outcomes.Why.OBSERVED),
    "held back": outcomes.Refusal(outcomes.Why.HELD_BACK),
    "resumed before": outcomes.Refusal(outcomes.Why.RESUMED_BEFORE, BOB, 0.0),
    "resumed before, not confirmed": outcomes.Refusal(outcomes.Why.RESUMED_BEFORE, BOB, 0.0, is_confirmed=False),
    "paused before": outcomes.Refusal(outcomes.Why.PAUSED_BEFORE, "alert:prom", 0.0),
    "ended before": outcomes.Refusal(outcomes.Why.ENDED_BEFORE),
    "switched off": outcomes.Refusal(outcomes.Why.AUTO_PAUSE_OFF),
}
OUTCOMES: Mapping[str, outcomes.Outcome] = {
    "pause: done": outcomes.Paused("paused"),
    "pause: done, without a status": PAUSED,
    "pause: done, and Anchor gives another status": outcomes.Paused("running"),
    "pause: done, as a moment before": outcomes.Paused("paused", BOB, 0.0),
    "pause: done, after a resume that it crossed": outcomes.Paused("paused", crossed=BOB),
    "pause: done, by the alert with another token": outcomes.Refusal(outcomes.Why.PAUSED_BEFORE, "alert:prom", 0.0),
    "pause: not running": outcomes.NotRunning(400, "Session is not running"),
    "pause: not found": outcomes.NotFound(404, "Session not found"),
    "pause: failed": outcomes.Failed(500, "Failed to pause agent"),
    "pause: key refused, as Anchor says": outcomes.KeyRejected(401, "Invalid API key"),
    "pause: key refused": outcomes.KeyRejected(403),
    "pause: rate limited": outcomes.RateLimited(429),
    "pause: rate limited for 30 seconds": outcomes.RateLimited(429, "Too many requests", 30.0),
    "pause: no connection": outcomes.Unavailable(),
    "pause: out of service": outcomes.Unavailable(503),
    "pause: out of service for 30 seconds": outcomes.Unavailable(503, retry_after=30.0),
    **{f"pause: unconfirmed, {why}": outcomes.Unconfirmed(why) for why in outcomes.Doubt},
    "pause: unconfirmed, contradicted": outcomes.Unconfirmed(outcomes.Doubt.NOT_UNDERSTOOD, anchor_message="failed"),
    "pause: unconfirmed, the bot broke": outcomes.Broken("0a1b2c3d"),
    "pause: somebody resumed since": RESUMED_SINCE,
    "pause: wrong workspace": outcomes.Refusal(outcomes.Why.WRONG_WORKSPACE),
    "pause: no key": outcomes.Refusal(outcomes.Why.NO_KEY),
    "pause: the database failed": outcomes.Refusal(outcomes.Why.STORE_UNAVAILABLE),
    "pause: overloaded": outcomes.Refusal(outcomes.Why.OVERLOADED),
    "pause: late": LATE,
    "pause: refused, no member": outcomes.Refusal(Why.NOT_MEMBER),
    "pause: refused, unknown": outcomes.Refusal(outcomes.Why.ROLE_UNKNOWN),
    "pause: refused, not one of the named people": outcomes.Refusal(outcomes.Why.NOT_NAMED, ids=_ids("U", 2)),
    "pause: refused, not one of those for many": outcomes.Refusal(outcomes.Why.NOT_NAMED_FOR_SEVERAL, ids=_ids("U", 2)),
    "pause: refused, not in a named channel": outcomes.Refusal(outcomes.Why.NOT_HERE, ids=_ids("C", 2)),
    "resume: done": outcomes.Resumed("running"),
    "resume: done, and Anchor gives another status": outcomes.Resumed("queued"),
    "resume: not running": outcomes.NotRunning(),
    "resume: failed": outcomes.Failed(500),
    "resume: unconfirmed, with a status code": outcomes.Unconfirmed(outcomes.Doubt.NO_ANSWER, 502),
    "resume: late": LATE,
    "resume: somebody paused since": PAUSED_SINCE,
    "resume: somebody is pausing": replace(PAUSED_SINCE, is_confirmed=False),
    "resume: stopping": outcomes.Refusal(outcomes.Why.STOPPING),
    "resume: refused, not one of many named people": outcomes.Refusal(outcomes.Why.NOT_NAMED, ids=_ids("U", 11)),
    "resume: refused, not in one of very many named channels": outcomes.Refusal(
        outcomes.Why.NOT_HERE, ids=_ids("C", 41)
    ),
    "resume: somebody has ended the session": outcomes.Refusal(Why.ENDED_SINCE, BOB),
    "resume: somebody is ending the session": outcomes.Refusal(Why.ENDED_SINCE, BOB, is_confirmed=False),
    "end: done": outcomes.Ended("completed"),
    "end: done, and Anchor no longer knows the session": outcomes.Ended(),
    "end: unconfirmed, not read": outcomes.Unconfirmed(outcomes.Doubt.NOT_UNDERSTOOD),
    "end: unconfirmed, no answer in time": outcomes.Unconfirmed(outcomes.Doubt.NO_ANSWER),
    "end: not running": outcomes.NotRunning(400, "completed"),
    "end: failed": outcomes.Failed(500),
    "end: key refused": outcomes.KeyRejected(403),
    "end: late": LATE,
    "end: off": outcomes.Refusal(outcomes.Why.END_OFF),
    "end: refused, not an admin": outcomes.Refusal(outcomes.Why.NOT_ADMIN),
    "end: refused, not one of the named people": outcomes.Refusal(outcomes.Why.NOT_NAMED, ids=_ids("U", 2)),
    "end: database down": outcomes.Refusal(outcomes.Why.STORE_UNAVAILABLE),
}
PAUSED_BY_BOB = SessionState(Phase.PAUSED, Verb.PAUSE, "order-1", BOB, CHANNEL, "it loops & spends", 0.0)
REMINDERS: Mapping[str, Message] = {
    "with the session's own limit": reminder_message(ID, PAUSED_BY_BOB, Deadline(1_200.0), TASK),
    "without its own limit": reminder_message(ID, PAUSED_BY_BOB, Deadline(1_200.0, True), None),  # noqa: FBT003
    "without a known end": reminder_message(ID, PAUSED_BY_BOB, None, None),
    "with End session": reminder_message(ID, PAUSED_BY_BOB, Deadline(1_200.0), TASK, offers_end=True),
    "ended while paused": ended_message(ID, PAUSED_BY_BOB, "completed"),
    "known no longer while paused": ended_message(ID, PAUSED_BY_BOB, ""),
}
ALERT = alerts.Alert(
    ID, "It spent $40\nin a minute.", "High spend", alerts.Severity.CRITICAL, "https://a.example/?a=1&b=2"
)
CARD_FACTS = Session(
    id=ID,
    tags=("check`out", "<!channel>", "prod", "eu"),
    domains=("shop.example",),
    is_task=False,
    created_at=0.0,
    max_minutes=20.0,
)
RESULT = cards.ResultContent("order-1", "*Not paused*", (section("*Not paused*"), actions(button(Verb.PAUSE, ID))))


def state(phase: str, verb: Verb = Verb.PAUSE, reason: str = "it loops & spends") -> SessionState:
    """Return the state that Bob's order left a session in."""
    return SessionState(Phase(phase), verb, "order-2", BOB, CHANNEL, reason, 0.0)


def _ended(status: str, at: float, before: SessionState | None = None) -> SessionState:
    return product.state_at_anchor(Phase.ENDED, at, before, status=status)


def card(
    content: cards.CardContent | alerts.Alert,
    one: SessionState | None = None,
    at: str = CHANNEL,
    *,
    facts: Session | None = None,
    offers_end: bool = False,
) -> Message:
    """Return the card of a session in this state."""
    about = alerts.first(content, 0.0) if isinstance(content, alerts.Alert) else content
    states, known = {str(ID): one} if one else {}, {ID: facts} if facts else {}
    return card_message([(about, ID)], states, known, channel_id=at, offers_end=offers_end)


def fired(
    count: int, last_at: float = 0.0, *, resolved_at: float | None = None, alert: alerts.Alert = ALERT
) -> alerts.AlertContent:
    """Return the content of a card whose alert came so many times."""
    return alerts.AlertContent(alert, count, last_at, resolved_at=resolved_at)


def summary(
    contents: Sequence[alerts.AlertContent], states: Mapping[int, SessionState], *, facts_of: Sequence[int] = (0,)
) -> Message:
    """Return the summary of alerts about a session each, with the states of some, and the facts of some."""
    ids = [SessionId(f"{number:08d}{ID[8:]}") for number, _ in enumerate(contents)]
    parts = [(replace(one, alert=replace(one.alert, session_id=of)), of) for one, of in zip(contents, ids, strict=True)]
    known = {ids[number]: replace(CARD_FACTS, id=ids[number]) for number in facts_of}
    return card_message(parts, {str(ids[number]): one for number, one in states.items()}, known, channel_id=CHANNEL)


SUMMARY_OF_MOST = summary([fired(1)] * alerts.MOST_IN_SUMMARY, {})
STATES: Mapping[str, SessionState | None] = {
    "firing": None,
    **{phase: state(phase) for phase in Phase if phase not in {Phase.RESUMED, Phase.ENDED}},
    "ended": _ended("timed_out <1>", 0.0),
    "resumed": state(Phase.RESUMED, Verb.RESUME),
    "unconfirmed resume": state(Phase.UNCONFIRMED, Verb.RESUME),
}
KEY = AnchorKey(Secret("sk-0123456789-9876"), KeyCheck.VERIFIED, "U0SETTER001", 1_785_000_000)
RULES = permissions.Policy(
    permissions.Rule(frozenset({BOB, ALICE})), permissions.Rule(channels=frozenset({CHANNEL})), frozenset({BOB})
)
EMPTY = Workspace(TEAM, Secret("xoxb-1"), None, is_managed=True)
TOKENS = (
    AlertToken("default", "digest"),
    AlertToken("spend-monitor", "digest", "wxyz", ALICE, 1_785_000_000, frozenset({"C0OTHER0001"})),
    AlertToken("grafana", "digest", "abcd", None, 1_785_000_000),
)
FULL = replace(EMPTY, anchor_key=KEY, policy=RULES, alert_tokens=TOKENS, alerts_channel=CHANNEL)
FIRST = Home(EMPTY, permissions.Role.MEMBER, "e1")
ADMINS = replace(FIRST, role=permissions.Role.ADMIN)


def with_key(key: AnchorKey) -> Workspace:
    """Return a workspace that has only this key."""
    return replace(EMPTY, anchor_key=key)


LISTED = replace(PROGRAM, created_at=NOW - 3_900, tags=("checkout", "<!here> & `prod`", "eu", "blue"), max_minutes=180)
BARE = Session(id=OTHER_ID, status="warming up")
LONG = replace(LISTED, tags=("&" * 99,) * 9, domains=(f"{'x' * 99}.example",) * 3)


def many(one: Session) -> tuple[Session, ...]:
    """Return seventeen sessions like this one."""
    return tuple(replace(one, id=SessionId(f"{number:08x}{ID[8:]}")) for number in range(17))


def running(*sessions: Session, is_complete: bool = True) -> SessionList:
    """Return a list of these sessions."""
    return SessionList(sessions, is_complete, NOW)


def seen(found: SessionList | NotRead, paused: Mapping[str, SessionState] | None, **more: Any) -> Overview:
    """Return what Bob sees of these sessions, of which some are paused."""
    return Overview(found, paused, **{"allowed": frozenset(Verb), "channel_id": CHANNEL, "read_at": NOW, **more})


def listed(found: SessionList, words: str = "", **more: Any) -> Message:
    """Return the answer with sessions, for Bob."""
    return overview(found, more.pop("paused", {}), words=words, **more)


def by_alice(*paused: str) -> dict[str, SessionState]:
    """Return the pauses of sessions, by Alice."""
    return dict.fromkeys(paused, WAS_PAUSED)


def overview(found: SessionList | NotRead, paused: Mapping[str, SessionState] | None, **more: Any) -> Message:
    """Return the list, for Bob."""
    return list_message(seen(found, paused, **more))


WAS_PAUSED = SessionState(Phase.PAUSED, Verb.PAUSE, "1" * 28, ALICE, CHANNEL, "it <loops> & spends", NOW - 600)
MANY = [one.id for one in many(BARE)]
LONGEST: Mapping[str, Message] = {
    "longest list": listed(running(*many(LONG), is_complete=False)),
    "longest list, all paused": listed(running(*many(LONG)), paused=by_alice(*MANY)),
    "longest overview": overview(running(*many(LONG), is_complete=False), by_alice(*MANY)),
}
OVERVIEW = seen(running(LISTED), by_alice(OTHER_ID))
OVERVIEW_BLOCKS = tuple(list_blocks(OVERVIEW))


ALL_THAT_RUN = Choice()


def offer(*sessions: Session, choice: Choice = ALL_THAT_RUN, paused: Mapping[str, SessionState]) -> View:
    """Return the window that offers these sessions."""
    return batches.pause_window(choice, SessionList(sessions, is_complete=True, read_at=NOW), paused, state="state")


PAGES: Mapping[str, Page] = {
    "Installed": installed_page(TEAM, "Acme", has_key=False),
    "BeginAgain": install.BEGIN_AGAIN,
    "Declined": install.declined_page(install.ORG_WIDE),
    "NotSetUp": install.operator_page(install.TOKEN_ROTATES),
    "Unavailable": install.unavailable_page(install.broken("1234abcd")),
}
LONG_PAGE = install.operator_page("x" * 1000)
_LONG_RULE = permissions.Rule(_long_ids("U"), _long_ids("C"))
_LONG_POLICY = permissions.Policy(_LONG_RULE, _LONG_RULE, _LONG_RULE.users)
LONG_POLICY = settings.policy_saved(_LONG_POLICY).notice(ALICE)
CONTENTS: Mapping[str, cards.CardContent] = {
    "alert": fired(1),
    "information": fired(1, alert=replace(ALERT, severity=alerts.Severity.INFO)),
    "three alerts": fired(3),
    "resolved": fired(2, resolved_at=1.0),
    "with fields": fired(1, alert=replace(ALERT, fields=(("spent", "$40"),))),
    "result": RESULT,
}
"""Of cards; the last order in STATES was at 0.0."""

ANSWERS: Mapping[str, Message] = {name: answer(name, outcome) for name, outcome in OUTCOMES.items()}
MESSAGES: Mapping[str, Message] = {
    **ANSWERS,
    **{f"{verb}: waiting": results.waiting_message(order(verb), is_recorded=True) for verb in Verb},
    "question": results.question_message(order("resume"), "v"),
    **{f"reminder: {name}": one for name, one in REMINDERS.items()},
    **{
        f"card: {what}, {phase}": card(content, one, facts=CARD_FACTS)
        for what, content in CONTENTS.items()
        for phase, one in STATES.items()
    },
    "list: some": listed(running(LISTED, BARE), paused=by_alice(OTHER_ID)),
    "list: words": listed(running(LISTED, BARE), "a `b` <c>"),
    "list: none": listed(running(is_complete=False)),
    "help": help_texts.HELP,
    "repeated": help_texts.REPEATED,
    **LONGEST,
}
VIEWS: Mapping[str, View] = {
    **{
        f"Home, {key}, {role}": home_view(replace(ADMINS, role=role, workspace=one))
        for role in permissions.Role
        for key, one in {"first": EMPTY, "all": FULL, "most": replace(FULL, policy=_LONG_POLICY)}.items()
    },
    "most sessions to pause at once": offer(*many(LONG) * 15, choice=Choice("&" * 100), paused=by_alice(*MANY)),
}


def elements(part: object) -> list[Any]:
    """Return the buttons, menus and inputs in a part of a message or view."""
    return [one for one in objects(part) if "action_id" in one]
