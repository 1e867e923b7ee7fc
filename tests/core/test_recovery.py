"""Orders whose process has ended: a pause can be sent again, a resume never if it can have been sent."""

import pytest

from bot.core.recovery import STILL_WANTED, RowFate, State, row_fate, settled_outcome
from harness.product import outcomes, requests

PAUSE, RESUME, END = requests.Verb
NEW, OLD = STILL_WANTED, STILL_WANTED + 1
IN_DOUBT = outcomes.Unconfirmed(outcomes.Doubt.STOPPED)


Unfinished = tuple[requests.Verb, State, float, dict[str, bool]]


def unfinished(
    verb: requests.Verb, state: State, age: float = NEW, *, is_opposed: bool = False, has_company: bool = False
) -> Unfinished:
    return verb, state, age, {"is_opposed": is_opposed, "has_company": has_company}


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
        (unfinished(END, State.WAITING, 0.0), outcomes.Stopping()),
        (unfinished(END, State.SENT, 0.0), IN_DOUBT),
    ],
)
def test_an_order_is_executed_while_it_is_wanted_and_harmless(
    order: Unfinished, expected: outcomes.Outcome | None
) -> None:
    verb, state, age, company = order
    assert settled_outcome(verb, state, age, **company) == expected


@pytest.mark.parametrize(
    ("owner", "installed_at", "fate"),
    [
        ("ours", 5.0, RowFate.OURS),
        ("ours", None, RowFate.OURS),
        ("theirs", 5.0, RowFate.TAKEN_OVER),
        ("theirs", None, RowFate.TAKEN_OVER),
        (None, 5.0, RowFate.FORGOTTEN),
        (None, 10.0, RowFate.FORGOTTEN),
        (None, None, RowFate.DELETED),
        (None, 10.5, RowFate.DELETED),
    ],
)
def test_a_row_that_is_gone_is_forgotten_by_the_database_if_its_workspace_was_not_uninstalled(
    owner: str | None, installed_at: float | None, fate: RowFate
) -> None:
    """A workspace that was installed after the order was given may have been uninstalled between."""
    assert row_fate(owner, "ours", installed_at, given_at=10.0) is fate
