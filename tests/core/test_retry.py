"""The rules by which Anchor is asked again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.retries import ATTEMPTS, combine, delay_before_retry
from harness.product import orders, outcomes

AnchorOutcome = outcomes.AnchorOutcome
Failed, Unavailable, Unconfirmed = outcomes.Failed, outcomes.Unavailable, outcomes.Unconfirmed
Paused, Resumed, NotFound = outcomes.Paused, outcomes.Resumed, outcomes.NotFound
Doubt, PAUSE = outcomes.Doubt, orders.Verb.PAUSE

REPEATED = [Failed(500), outcomes.RateLimited(), Unavailable(), Unavailable(503), *map(Unconfirmed, Doubt)]


@pytest.mark.parametrize("outcome", REPEATED, ids=repr)
def test_a_failure_that_may_pass_is_repeated_with_growing_delays(outcome: AnchorOutcome) -> None:
    first, second, third = (
        delay_before_retry(PAUSE, outcome, attempt=attempt, time_left=20, jitter=0.5)
        for attempt in range(1, ATTEMPTS + 1)
    )
    assert (first, second, third) == (0.1875, 0.375, None)


@pytest.mark.parametrize("outcome", [outcomes.RateLimited(429, "no", 2.0), Unavailable(503, retry_after=2.0)], ids=repr)
def test_anchors_own_time_is_kept_if_an_attempt_still_fits_behind_it(outcome: AnchorOutcome) -> None:
    assert delay_before_retry(PAUSE, outcome, attempt=1, time_left=2.5, jitter=0, retry_after=2.0) == 2.0
    assert delay_before_retry(PAUSE, outcome, attempt=1, time_left=2.4, jitter=0, retry_after=2.0) is None


@given(st.floats(0, 1, exclude_max=True), st.floats(0, 1, exclude_max=True))
def test_three_failures_at_once_leave_time_for_slacks_ack(one: float, two: float) -> None:
    delays = [
        delay_before_retry(PAUSE, Failed(500), attempt=attempt, time_left=20, jitter=jitter)
        for attempt, jitter in ((1, one), (2, two))
    ]
    assert sum(delay or 0 for delay in delays) < 1


NOBODY = Unavailable()
OUT = Unavailable(503)
DOUBT = Unconfirmed(Doubt.NO_ANSWER)


@pytest.mark.parametrize(
    ("outcomes", "sum_of_all"),
    [
        ([NOBODY], NOBODY),
        ([NOBODY, NOBODY], NOBODY),
        ([Failed(500), NOBODY], Failed(500)),
        ([Failed(500), OUT, NOBODY], OUT),
        ([NOBODY, Failed(500)], Failed(500)),
        ([NOBODY, NotFound()], NotFound()),
        ([DOUBT, NOBODY], DOUBT),
        ([DOUBT, NotFound()], DOUBT),
        ([DOUBT, Unconfirmed(Doubt.NO_ANSWER, 502)], Unconfirmed(Doubt.NO_ANSWER, 502)),
        ([DOUBT, Paused("paused")], Paused("paused")),
        ([Failed(500), Paused()], Paused()),
        ([Failed(500), Resumed()], Resumed()),
    ],
)
def test_several_attempts_have_one_outcome(outcomes: list[AnchorOutcome], sum_of_all: AnchorOutcome) -> None:
    assert combine(outcomes) == sum_of_all
