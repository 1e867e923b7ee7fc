"""Reads of sessions over the wire: pages, the fallback, and failures."""

import time
from collections.abc import AsyncIterator

import pytest

from bot.outbound.anchor.sessions import AnchorSessions
from bot.sim.anchor import (
    DEFAULT_KEY,
    Answer,
    Fault,
    Hang,
    HugeBody,
    ResetAfterReading,
    SessionState,
    SimAnchor,
    forbidden,
    html,
    rate_limited,
    unauthorized,
)
from harness.anchor_orders import anchor_sessions
from harness.product import Secret, SessionId, sessions
from harness.texts import SESSION

pytestmark = pytest.mark.anyio

KEY, ID = Secret(DEFAULT_KEY), SessionId(SESSION)
NotRead, Unread = sessions.NotRead, sessions.Unread


@pytest.fixture
async def reads(anchor: SimAnchor) -> AsyncIterator[AnchorSessions]:
    async with anchor_sessions(f"{anchor.url}/") as reads:
        yield reads


def now() -> float:
    return time.time()


async def listed(reads: AnchorSessions) -> sessions.SessionList:
    read = await reads.running(KEY)
    assert isinstance(read, sessions.SessionList)
    return read


async def only_session(reads: AnchorSessions) -> bool:
    """Whether the list has SESSION alone, and is not complete."""
    read = await listed(reads)
    return [one.id for one in read.sessions] == [SESSION] and not read.is_complete


@pytest.mark.parametrize("fault", [html(404, times=2), Answer(500, b"{}", times=2), forbidden(times=2)])
async def test_if_the_list_fails_the_statuses_of_the_key_are_read(
    anchor: SimAnchor, reads: AnchorSessions, fault: Fault
) -> None:
    anchor.add_key("sk-ci", team_of=DEFAULT_KEY)
    anchor.add_session(key="sk-ci")
    anchor.read_fault = fault
    assert await only_session(reads)
    assert [request.verb for request in anchor.requests] == ["list", "list", "statuses"]


@pytest.mark.parametrize(
    ("fault", "failure"),
    [
        (unauthorized(), NotRead(Unread.KEY_REJECTED, 401)),
        (forbidden(), NotRead(Unread.KEY_REJECTED, 403)),
        (rate_limited(), NotRead(Unread.RATE_LIMITED, 429)),
        (html(503), NotRead(Unread.UNREACHABLE, 503)),
        (html(200), NotRead(Unread.UNREADABLE, 200)),
        (Answer(200, b'{"error":{"message":"no"}}'), NotRead(Unread.UNREADABLE, 200)),
        (Answer(200, b"{}"), NotRead(Unread.UNREADABLE, 200)),
        (HugeBody(), NotRead(Unread.UNREADABLE, 200)),
        (ResetAfterReading(), NotRead(Unread.UNREACHABLE)),
        (Hang(), NotRead(Unread.TIMED_OUT)),
    ],
)
async def test_each_failure_says_why(anchor: SimAnchor, fault: Fault, failure: sessions.NotRead) -> None:
    anchor.read_fault = fault
    async with anchor_sessions(anchor.url, within=0.5) as reads:
        assert await reads.running(KEY) == failure
        assert await reads.statuses(KEY) == failure
        assert await reads.details(KEY, ID, within=0.5) == failure


async def test_the_list_and_the_details_of_a_session_complete_each_other(
    anchor: SimAnchor, reads: AnchorSessions
) -> None:
    one = anchor.session(SESSION)
    one.domains, one.is_task, one.steps = ["shop.example"], False, 3
    newer = anchor.add_session()
    read = await reads.about(KEY, ID, within=5.0)
    assert not isinstance(read, sessions.NotRead)
    about = {session.id: session for session in read}
    assert about.keys() == {SESSION, newer}
    assert (about[ID].domains, about[ID].is_task, about[ID].steps) == (("shop.example",), False, 3)
    one.state = SessionState.ENDED  # so that it is not among those that run
    read = await reads.about(KEY, ID, within=5.0)
    assert not isinstance(read, sessions.NotRead)
    assert {session.id: session.status for session in read}[ID] == "completed"
    anchor.read_fault = unauthorized(times=1)  # of the details
    assert {session.id for session in await reads.about(KEY, ID, within=5.0)} == {newer}  # type: ignore[union-attr]
    anchor.read_fault = html(502)
    assert await reads.about(KEY, ID, within=5.0) == ()
    anchor.read_fault = forbidden()
    assert await reads.about(KEY, ID, within=5.0) == NotRead(Unread.KEY_REJECTED, 403)
    anchor.read_fault = rate_limited()
    assert await reads.about(KEY, ID, within=5.0) == NotRead(Unread.RATE_LIMITED, 429)
