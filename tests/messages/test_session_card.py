"""A card shows the state of its session, and the button that fits to it."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.alert import Alert, Severity
from bot.core.alert_fold import MOST_IN_SUMMARY, AlertContent, first
from bot.core.card import CardContent, ResultContent
from bot.core.requests import Verb
from bot.core.session import Session
from bot.core.session_id import SessionId
from bot.core.session_state import Phase, SessionState, ended_state
from bot.messages.blocks import actions, section, text_length
from bot.messages.message import Message
from bot.messages.session_buttons import button
from bot.messages.session_card import card_message
from bot.sim.slack.block_kit import problems
from bot.sim.slack.content import CONTENT_KEYS, mistakes
from harness.texts import SESSION
from messages.test_alert_card import FULL, HOSTILE
from messages.test_order_wording import buttons, shown

ID, HERE = SessionId(SESSION), "C0ALERTS001"


def state(phase: Phase, verb: Verb = Verb.PAUSE, reason: str = "it loops & spends") -> SessionState:
    return SessionState(phase, verb, "order-2", "U0BOB000001", HERE, reason, 0.0)


STATES: dict[str, SessionState | None] = {
    "firing": None,
    **{phase: state(phase) for phase in Phase if phase not in {Phase.RESUMED, Phase.ENDED}},
    "ended": ended_state("timed_out <1>", 0.0),
    "resumed": state(Phase.RESUMED, Verb.RESUME),
    "unconfirmed resume": state(Phase.UNCONFIRMED, Verb.RESUME),
}
RESULT = ResultContent("order-1", "*Not paused*", (section("*Not paused*"), actions(button(Verb.PAUSE, ID))))

WITH_FIELDS = replace(FULL, fields=(("model", "large <x>"), ("spent", "$40")))


FACTS = Session(
    id=ID,
    tags=("check`out", "<!channel>", "prod", "eu"),
    domains=("shop.example",),
    is_task=False,
    created_at=0.0,
    max_minutes=20.0,
)


def card(
    content: CardContent | Alert, one: SessionState | None, channel: str = HERE, *, facts: Session | None = None
) -> Message:
    """The card of a session in this state."""
    about = first(content, 0.0) if isinstance(content, Alert) else content
    known = {} if facts is None else {ID: facts}
    return card_message([(about, ID)], {} if one is None else {ID: one}, known, channel_id=channel)


def summary(count: int, **states: SessionState) -> Message:
    """The summary of alerts about so many sessions, with these states by the first digits of their ids."""
    ids = [SessionId(f"{number:08d}{SESSION[8:]}") for number in range(count)]
    parts = [(first(replace(FULL, session_id=one), 0.0), one) for one in ids]
    facts = {ids[0]: FACTS}
    return card_message(parts, {one: states[one[:8]] for one in ids if one[:8] in states}, facts, channel_id=HERE)


def actions_of(message: Message) -> list[str]:
    return [one["action_id"] for one in buttons(list(message.blocks))]


CARDS: dict[str, Message] = {
    **{f"alert: {name}": card(FULL, one) for name, one in STATES.items()},
    "alert: with fields": card(WITH_FIELDS, None),
    "alert: three times": card(AlertContent(FULL, 3, 0.0), None),
    "alert: again after a pause": card(AlertContent(FULL, 2, 1.0), state(Phase.PAUSED)),
    "alert: resolved": card(AlertContent(FULL, 2, 0.0, resolved_at=0.0), state(Phase.PAUSED)),
    "alert: with facts": card(FULL, state(Phase.PAUSED), facts=FACTS),
    "alert: ended, with facts": card(FULL, ended_state("completed", 0.0), facts=FACTS),
    "alert: with the age alone": card(FULL, None, facts=Session(id=ID, created_at=0.0)),
    "result: later paused": card(RESULT, state(Phase.PAUSED)),
    "summary": summary(3, **{"00000001": state(Phase.PAUSED), "00000002": state(Phase.NOT_RUNNING)}),
}


@pytest.mark.parametrize(("name", "card"), CARDS.items(), ids=CARDS)
def test_cards(name: str, card: Message, wording: Callable[[str, str], None]) -> None:
    wording(name, shown(card))


@pytest.mark.parametrize("name", STATES)
def test_an_alert_after_the_last_order_can_be_paused(name: str) -> None:
    """Somebody can have resumed the agent in Anchor's dashboard, or replaced the key that did not know the session."""
    asks_to_resume = {Phase.PAUSED, "unconfirmed resume"}
    expected = [] if name == "ended" else ["anchor_pause"]
    expected += ["anchor_resume_confirmed"] if name in asks_to_resume else []
    again = AlertContent(FULL, 2, 1.0)
    assert actions_of(card(again, STATES[name])) == expected
    resolved = card(replace(again, resolved_at=2.0), STATES[name])
    assert actions_of(resolved) == actions_of(card(FULL, STATES[name]))


def test_a_row_of_a_summary_has_the_pause_of_an_alert_after_the_last_order() -> None:
    parts = [(AlertContent(FULL, 2, at), ID) for at in (0.0, 1.0)]
    message = card_message(parts, {ID: state(Phase.PAUSED)}, {}, channel_id=HERE)
    assert actions_of(message) == ["anchor_resume_confirmed", "anchor_pause"]


def test_a_summary_fits_into_one_message_with_a_button_for_each_session() -> None:
    message = summary(MOST_IN_SUMMARY)
    blocks = list(message.blocks)
    assert problems(blocks) == []
    assert len(list(buttons(blocks))) == MOST_IN_SUMMARY
    assert [number for number, block in enumerate(blocks) if "`shop.example`" in str(block)] == [1]
    assert len(message.text) <= 3_500


@pytest.mark.parametrize(
    ("reason", "kept"),
    [("", ["shop.example"]), ("r" * 20, ["rrrr"]), ("r" * 150, [])],
    ids=["facts", "reasons", "rest"],
)
def test_a_long_summary_loses_facts_and_then_reasons(reason: str, kept: list[str]) -> None:
    """Slack refuses a message with more than about 10,000 characters in its blocks."""
    ids = [SessionId(f"{number:08d}{SESSION[8:]}") for number in range(MOST_IN_SUMMARY)]
    title = "x" * (200 if reason else 30)
    parts = [(AlertContent(replace(FULL, session_id=one, title=title), 9, 0.0, resolved_at=0.0), one) for one in ids]
    states = {str(one): state(Phase.PAUSED, reason=reason) for one in ids} if reason else {}
    facts = {one: replace(FACTS, id=one) for one in ids}
    blocks = list(card_message(parts, states, facts, channel_id=HERE).blocks)
    assert [word for word in ("shop.example", "rrrr") if word in str(blocks)] == kept
    assert text_length(blocks) < 9_000
    assert len(json.dumps(blocks)) < 16_000
    assert problems(blocks) == []


def test_a_reason_is_shown_only_where_it_was_given() -> None:
    here, there = (card(FULL, state(Phase.PAUSED), one) for one in (HERE, "C0OTHER0001"))
    assert "it loops" in here.text
    assert "it loops" not in shown(there)


def test_a_result_stays_as_it_is_until_a_later_order() -> None:
    before = SessionState(Phase.PAUSED, Verb.PAUSE, "order-1", "U1", HERE, "", 0.0)
    for one in (None, before):
        message = card(RESULT, one)
        assert (message.text, message.blocks) == (RESULT.text, RESULT.blocks)


def test_a_long_text_is_cut_and_the_state_stays() -> None:
    long = replace(FULL, text="a <b> & c " * 400, fields=tuple((f"{number}", "x" * 200) for number in range(10)))
    message = card(long, state(Phase.PAUSED))
    assert len(message.text) <= 3_500
    assert "it loops" in message.text.splitlines()[-1]
    assert list(mistakes({"text": message.text, "blocks": list(message.blocks)}, CONTENT_KEYS)) == []


@given(HOSTILE, HOSTILE, HOSTILE, st.sampled_from(Phase), st.sampled_from(Severity))
def test_any_card_keeps_slacks_rules(text: str, title: str, reason: str, phase: Phase, severity: Severity) -> None:
    fields = tuple((f"{number}{title}", f"{number}{text}") for number in range(10))
    alert = Alert(ID, f"x{text}", title, severity, "https://a.example/?a=1&b=2", fields=fields)
    message = card(alert, state(phase, reason=reason))
    blocks = list(message.blocks)
    assert problems(blocks) == []
    assert list(mistakes({"text": message.text, "blocks": blocks}, CONTENT_KEYS)) == []
    assert len(message.text) <= 3_500
