"""Reads of sessions over the wire: pages, the fallback, and failures."""

import json
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

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
from harness.texts import OTHER_SESSION, SESSION

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


async def test_all_sessions_of_the_team_that_run_or_may_run_are_read(anchor: SimAnchor, reads: AnchorSessions) -> None:
    day, today = timedelta(days=1), datetime.fromtimestamp(time.time(), UTC)
    anchor.add_key("sk-ci", team_of=DEFAULT_KEY)
    colleague = anchor.add_session(key="sk-ci", created_at=today - timedelta(minutes=1))
    long_lived = anchor.add_session(created_at=today - 3 * day)
    unknown = anchor.add_session(word="warming up", created_at=today)
    anchor.add_session(word="warming up", created_at=today - 2 * day)
    read = await listed(reads)
    assert [one.id for one in read.sessions if one.id != SESSION] == [unknown, colleague, long_lived]
    assert [request.verb for request in anchor.requests] == ["list"] * 2


async def test_at_most_five_pages_of_fifty_are_read(anchor: SimAnchor, reads: AnchorSessions) -> None:
    for count in (249, 1):
        for _ in range(count):
            anchor.add_session()
        read = await listed(reads)
        assert (len(read.sessions), read.is_complete) == (250, count == 249)
        assert max(int(request.query["page"]) for request in anchor.requests) == 5
        assert {request.query["limit"] for request in anchor.requests} == {"50"}


@pytest.mark.parametrize("fault", [html(404, times=2), Answer(500, b"{}", times=2), forbidden(times=2)])
async def test_if_the_list_fails_the_statuses_of_the_key_are_read(
    anchor: SimAnchor, reads: AnchorSessions, fault: Fault
) -> None:
    anchor.add_key("sk-ci", team_of=DEFAULT_KEY)
    anchor.add_session(key="sk-ci")
    anchor.read_fault = fault
    assert await only_session(reads)
    assert [request.verb for request in anchor.requests] == ["list", "list", "statuses"]


async def test_a_failed_query_or_page_leaves_the_list_incomplete(anchor: SimAnchor, reads: AnchorSessions) -> None:
    anchor.read_fault = Answer(500, b"{}", times=1)
    assert await only_session(reads)
    first = {"data": {"sessions": [{"id": SESSION, "status": "running"}], "total_pages": 2}}
    anchor.read_fault = Answer(200, json.dumps(first).encode(), times=2)
    anchor.revoke(DEFAULT_KEY)
    assert await only_session(reads)


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


async def test_one_session_and_the_statuses_of_the_key_are_read_by_one_request_each(
    anchor: SimAnchor, reads: AnchorSessions
) -> None:
    one, other = anchor.session(SESSION), SessionId(OTHER_SESSION)
    one.tags, one.steps, one.credits, one.max_duration = ["checkout"], 3, 1.5, 20
    read = await reads.details(KEY, ID, within=5.0)
    assert not isinstance(read, sessions.NotRead)
    assert (read.tags, read.steps, read.credits, read.max_minutes) == (("checkout=yes",), 3, 1.5, 20.0)
    assert await reads.details(KEY, other, within=5.0) == NotRead(Unread.UNREADABLE, 404, is_missing=True)
    anchor.read_fault = html(404, times=1)  # a proxy's page says nothing of the session
    assert await reads.details(KEY, other, within=5.0) == NotRead(Unread.UNREADABLE, 404)
    anchor.read_fault = Answer(200, json.dumps({"id": SESSION}).encode(), times=1)
    assert await reads.details(KEY, other, within=5.0) == NotRead(Unread.UNREADABLE, 200)
    page = await reads.statuses(KEY, since=now() - 60)
    assert isinstance(page, sessions.SessionPage)
    assert {one.id: one.status for one in page.sessions} == {SESSION: "running"}
    assert anchor.requests[-1].query.keys() == {"created_from"}
    assert len(anchor.requests) == 5


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
