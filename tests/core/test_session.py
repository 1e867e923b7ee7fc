"""What a status of Anchor's says, and when a session ends at the latest."""

import pytest

from bot.core.sessions import Life, NotRead, Session, Unread, end_of
from harness import SESSION
from harness.product import SessionId, outcomes


@pytest.mark.parametrize(
    ("status", "life"),
    [
        ("running", Life.RUNNING),
        ("completed", Life.ENDED),
        ("timed_out", Life.ENDED),
        ("not completed", Life.UNKNOWN),
        ("completing", Life.UNKNOWN),
        ("", Life.UNKNOWN),
        ("läuft", Life.UNKNOWN),
    ],
)
def test_only_a_known_end_is_an_end(status: str, life: Life) -> None:
    assert Session(id=SessionId(SESSION), status=status).life is life


RUNS, HAS_ENDED = (Session(id=SessionId(SESSION), status=status) for status in ("running", "completed"))
UNKNOWN, UNREAD = NotRead(Unread.UNREADABLE, 404, is_missing=True), NotRead(Unread.TIMED_OUT)
ENDED, NOT_FOUND, NOT_RUNNING = outcomes.Ended("stopped"), outcomes.NotFound(), outcomes.NotRunning()
TIMED_OUT = outcomes.Unconfirmed(outcomes.Doubt.NO_ANSWER)


@pytest.mark.parametrize(
    ("told", "after", "expected"),
    [
        *((told, HAS_ENDED, outcomes.Ended("completed")) for told in (ENDED, TIMED_OUT, NOT_FOUND, NOT_RUNNING)),
        (ENDED, UNKNOWN, outcomes.Ended()),
        (ENDED, RUNS, outcomes.Unconfirmed(outcomes.Doubt.NOT_UNDERSTOOD)),
        (ENDED, UNREAD, outcomes.Unconfirmed(outcomes.Doubt.NOT_UNDERSTOOD)),
        *((told, UNKNOWN, told) for told in (TIMED_OUT, NOT_FOUND, NOT_RUNNING)),
        *((told, UNREAD, told) for told in (TIMED_OUT, NOT_FOUND, NOT_RUNNING)),
        (TIMED_OUT, RUNS, TIMED_OUT),
        (NOT_FOUND, RUNS, outcomes.Failed(404)),
        (NOT_RUNNING, RUNS, outcomes.Failed(400)),
    ],
    ids=repr,
)
def test_a_session_has_ended_only_if_the_read_after_its_end_says_so(
    told: outcomes.AnchorOutcome, after: Session | NotRead, expected: outcomes.Outcome
) -> None:
    assert end_of(told, after) == expected


WHOLE = Session(
    id=SessionId(SESSION),
    status="running",
    created_at=1.0,
    tags=("checkout",),
    domains=("shop.example",),
    steps=3,
    key_name="ci",
    is_task=False,
    credits=1.5,
    max_minutes=20.0,
)
