"""Orders whose process has ended: a pause can be sent again, a resume never if it can have been sent."""

import pytest

from bot.core.recovery import STILL_WANTED, State, Unfinished, settled_outcome
from harness import SESSION
from harness.product import SessionId, outcomes, requests

ACTOR = requests.Actor("T0HOME00001", "C0ALERTS001", "U0ALICE0001")
PAUSE, RESUME = requests.Verb
NEW, OLD = STILL_WANTED, STILL_WANTED + 1
IN_DOUBT = outcomes.Unconfirmed(outcomes.Doubt.STOPPED)


def unfinished(verb: requests.Verb, state: State, age: float = NEW, **facts: bool) -> Unfinished:
    order = requests.Order(verb, SessionId(SESSION), ACTOR)
    return Unfinished("1", order, requests.ReplyAddress(ACTOR), state, None, age, **facts)


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (unfinished(PAUSE, State.SENT), None),
        (unfinished(PAUSE, State.SENT, has_company=True), None),
        (unfinished(PAUSE, State.SENT, OLD), IN_DOUBT),
        (unfinished(PAUSE, State.SENT, is_opposed=True), IN_DOUBT),
        (unfinished(RESUME, State.WAITING), None),
        (unfinished(RESUME, State.WAITING, OLD), outcomes.Late(OLD)),
        (unfinished(RESUME, State.WAITING, is_opposed=True), outcomes.Superseded()),
        (unfinished(RESUME, State.WAITING, OLD, is_opposed=True), outcomes.Superseded()),
        (unfinished(RESUME, State.WAITING, has_company=True), IN_DOUBT),
        (unfinished(RESUME, State.SENT), IN_DOUBT),
        (unfinished(RESUME, State.SENT, is_opposed=True), IN_DOUBT),
    ],
)
def test_an_order_is_executed_while_it_is_wanted_and_harmless(
    order: Unfinished, expected: outcomes.Outcome | None
) -> None:
    assert settled_outcome(order) == expected


def test_a_known_outcome_is_told_whatever_happened_since() -> None:
    order = requests.Order(PAUSE, SessionId(SESSION), ACTOR)
    known = Unfinished("1", order, requests.ReplyAddress(ACTOR), State.ACTED, outcomes.Paused(), OLD, is_opposed=True)
    assert settled_outcome(known) == outcomes.Paused()
