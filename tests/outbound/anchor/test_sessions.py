"""Reads of sessions: every form of the answers, pages, the fallback, and failures."""

import json
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.secret import Secret
from bot.core.session import Session
from bot.core.session_id import SessionId
from bot.core.session_list import NotRead, SessionList, SessionPage, Unread
from bot.outbound.anchor.session_fields import read_details, read_page, read_statuses
from bot.outbound.anchor.sessions import AnchorSessions
from bot.outbound.http_client import open_session, transport_over
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
from harness.texts import SESSION

pytestmark = pytest.mark.anyio

KEY = Secret(DEFAULT_KEY)
CREATED = "2026-11-26T12:00:00.000Z"
CREATED_AT = datetime(2026, 11, 26, 12, tzinfo=UTC).timestamp()


def session(**fields: Any) -> Session:
    return Session(id=SessionId(SESSION), **fields)


@pytest.mark.parametrize(
    ("item", "read"),
    [
        ({}, session()),
        ({"status": " running "}, session(status="running")),
        ({"status": 7, "tags": 7, "domains": "x", "steps": "x", "api_key_name": None}, session()),
        ({"created_at": CREATED}, session(created_at=CREATED_AT)),
        ({"created_at": "2026-11-26T12:00:00"}, session(created_at=CREATED_AT)),
        ({"created_at": "2026-11-26 13:00+01:00"}, session(created_at=CREATED_AT)),
        ({"created_at": CREATED_AT}, session(created_at=CREATED_AT)),
        ({"created_at": CREATED_AT * 1000}, session(created_at=CREATED_AT)),
        ({"created_at": "yesterday"}, session()),
        ({"created_at": "0001-01-01T00:00:00Z"}, session()),
        ({"created_at": 1e17}, session()),
        ({"created_at": True}, session()),
        ({"tags": ["checkout", " ", 7, " prod "]}, session(tags=("checkout", "prod"))),
        ({"tags": {"team": "web", "tries": 3}}, session(tags=("team=web", "tries=3"))),
        ({"steps": 12}, session(steps=12)),
        ({"steps": [{}, {}]}, session(steps=2)),
        ({"steps": -1}, session()),
        ({"used_credits": "N/A", "credits_used": 2}, session(credits=2.0)),
        ({"used_credits": 1.25}, session(credits=1.25)),
        ({"used_credits": float("nan")}, session()),
        ({"used_credits": 10**400}, session()),
        ({"task_initiated": False, "api_key_name": " ci "}, session(is_task=False, key_name="ci")),
        ({"task_initiated": "false"}, session()),
        ({"user_configuration": {"session": {"timeout": {"max_duration": 20}}}}, session(max_minutes=20.0)),
        ({"configuration": {"timeout": {"max_duration": 5}}}, session(max_minutes=5.0)),
        ({"configuration": {"session": {"max_duration": 7}}}, session(max_minutes=7.0)),
        ({"configuration": {"timeout": {"max_duration": -1}}}, session()),
        ({"configuration": [], "user_configuration": {"timeout": 3}}, session()),
        (
            {
                "domains": [
                    *("shop.example", "https://user:pw@bank.example:444/pay?token=s3cret#x", "shop.example/again"),
                    *("https://[::1", "secret token", "", "//", "a..b?q=1", "über.example", "token=s3cret"),
                ]
            },
            session(domains=("shop.example", "bank.example", "a..b", "über.example")),
        ),
    ],
)
def test_each_form_of_a_field_is_read(item: dict[str, object], read: Session) -> None:
    for shape in ({"id": SESSION}, {"session_id": SESSION.upper()}):
        whole = {**shape, **item}
        assert read_details(whole) == read_details({"data": whole}) == read
        assert read_page({"data": {"sessions": [whole]}}, page=1, limit=50) == SessionPage((read,), is_last=True)
        assert read_page({"sessions": [whole]}, page=1, limit=50) == SessionPage((read,), is_last=True)
        assert read_statuses({"data": {"items": [whole]}}) == SessionPage((read,), is_last=False)


@pytest.mark.parametrize("unknown", [None, "", "x", 7, f"{SESSION} {SESSION} x", [SESSION]])
def test_a_session_without_an_id_is_counted_and_left_out(unknown: object) -> None:
    assert read_details({"id": unknown}) is None
    page = read_page({"sessions": [{"id": unknown}, {"id": SESSION}, "x"]}, page=1, limit=50)
    assert page == SessionPage((session(),), is_last=True, unreadable=2)
    assert not page.is_complete


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*"abc", "session", "timeout", "max_duration", "data"]), inner, max_size=3)
    ),
    max_leaves=8,
)
NAMES = ("status", "created_at", "tags", "domains", "steps", "task_initiated", "api_key_name", "used_credits", "data")
items = st.dictionaries(st.sampled_from([*NAMES, "configuration", "user_configuration", "id"]), json_values)


@given(items)
def test_whatever_stands_in_an_answer_no_session_and_no_exception_is_lost(item: dict[str, object]) -> None:
    read_details(item)
    read_statuses(item)
    page = read_page({"sessions": [{**item, "id": SESSION}]}, page=1, limit=50)
    assert page is not None
    assert page.sessions[0].id == SESSION
    assert all("/" not in host and "?" not in host for host in page.sessions[0].domains)


@pytest.mark.parametrize(
    ("more", "page", "count", "is_last"),
    [
        ({}, 1, 49, True),
        ({}, 1, 50, False),
        ({"total_pages": 1}, 1, 50, True),
        ({"total_pages": 2}, 1, 3, False),
        ({"total_pages": 0}, 1, 0, True),
        ({"total_pages": "2"}, 1, 3, True),
    ],
)
def test_the_last_page_is_known_by_its_number_or_by_its_length(
    more: dict[str, object], page: int, count: int, is_last: bool
) -> None:
    read = read_page({"data": {"sessions": [{"id": SESSION}] * count, **more}}, page=page, limit=50)
    assert read is not None
    assert read.is_last is is_last


# --- over the wire ---


@pytest.fixture
async def reads(anchor: SimAnchor) -> AsyncIterator[AnchorSessions]:
    async with open_session() as opened:
        yield AnchorSessions(transport_over(opened), base_url=f"{anchor.url}/", timeout=5.0)


def now() -> float:
    return time.time()


async def listed(reads: AnchorSessions) -> SessionList:
    read = await reads.running(KEY, now())
    assert isinstance(read, SessionList)
    return read


async def test_all_sessions_of_the_team_that_run_or_may_run_are_read(anchor: SimAnchor, reads: AnchorSessions) -> None:
    day, today = timedelta(days=1), datetime.fromtimestamp(time.time(), UTC)
    anchor.add_key("sk-ci", team_of=DEFAULT_KEY)
    anchor.session(SESSION).created_at = today - timedelta(minutes=2)
    facts: dict[str, Any] = {"tags": ["checkout"], "domains": ["https://shop.example/x?y"], "steps": 3}
    colleague = anchor.add_session(key="sk-ci", created_at=today - timedelta(minutes=1), **facts)
    long_lived = anchor.add_session(created_at=today - 3 * day)
    unknown = anchor.add_session(word="warming up", created_at=today)
    anchor.add_session(word="warming up", created_at=today - 2 * day)
    anchor.add_session(state=SessionState.ENDED)
    read = await listed(reads)
    assert [one.id for one in read.sessions] == [unknown, colleague, SESSION, long_lived]
    assert (read.sessions[1].tags, read.sessions[1].domains, read.sessions[1].steps) == (
        ("checkout",),
        ("shop.example",),
        3,
    )
    assert read.is_complete
    assert {request.verb for request in anchor.requests} == {"list"}
    assert len(anchor.requests) == 2


async def test_at_most_five_pages_of_fifty_are_read(anchor: SimAnchor, reads: AnchorSessions) -> None:
    for number in range(250):
        anchor.add_session(word="warming up" if number % 2 else "", created_at=datetime.fromtimestamp(time.time(), UTC))
    assert not (await listed(reads)).is_complete
    assert max(int(request.query["page"]) for request in anchor.requests) == 5
    assert {request.query["limit"] for request in anchor.requests} == {"50"}


async def test_everything_on_five_pages_is_complete(anchor: SimAnchor, reads: AnchorSessions) -> None:
    for _ in range(249):
        anchor.add_session()
    read = await listed(reads)
    assert (len(read.sessions), read.is_complete) == (250, True)


@pytest.mark.parametrize(
    "fault", [html(404, times=2), Answer(500, b"{}", times=2), forbidden(times=2), Answer(200, b"{}", times=2)]
)
async def test_if_the_list_fails_the_statuses_of_the_key_are_read(
    anchor: SimAnchor, reads: AnchorSessions, fault: Fault
) -> None:
    anchor.add_key("sk-ci", team_of=DEFAULT_KEY)
    anchor.add_session(key="sk-ci")
    anchor.read_fault = fault
    read = await listed(reads)
    assert [one.id for one in read.sessions] == [SESSION]
    assert not read.is_complete
    assert [request.verb for request in anchor.requests] == ["list", "list", "statuses"]


async def test_one_failed_query_leaves_the_list_incomplete(anchor: SimAnchor, reads: AnchorSessions) -> None:
    anchor.read_fault = Answer(500, b"{}", times=1)
    read = await listed(reads)
    assert [one.id for one in read.sessions] == [SESSION]
    assert not read.is_complete


async def test_a_failure_on_a_later_page_leaves_the_list_incomplete(anchor: SimAnchor, reads: AnchorSessions) -> None:
    first = {"data": {"sessions": [{"id": SESSION, "status": "running"}], "total_pages": 2}}
    anchor.read_fault = Answer(200, json.dumps(first).encode(), times=2)
    anchor.revoke(DEFAULT_KEY)
    read = await listed(reads)
    assert [one.id for one in read.sessions] == [SESSION]
    assert not read.is_complete


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
    ],
)
async def test_each_failure_says_why(anchor: SimAnchor, reads: AnchorSessions, fault: Fault, failure: NotRead) -> None:
    anchor.read_fault = fault
    assert await reads.running(KEY, now()) == failure
    assert await reads.statuses(KEY) == failure
    assert await reads.details(KEY, SessionId(SESSION), within=5.0) == failure


async def test_a_read_that_takes_too_long_ends(anchor: SimAnchor) -> None:
    anchor.fault = Hang()
    async with open_session() as opened:
        hasty = AnchorSessions(transport_over(opened), base_url=anchor.url, timeout=0.05)
        assert await hasty.running(KEY, now()) == NotRead(Unread.TIMED_OUT)


async def test_nothing_is_sent_twice_if_anchor_cannot_be_reached(anchor: SimAnchor, reads: AnchorSessions) -> None:
    await anchor.stop()
    assert await reads.running(KEY, now()) == NotRead(Unread.UNREACHABLE)
    await anchor.start()


async def test_the_statuses_of_the_key_are_read_by_one_request(anchor: SimAnchor, reads: AnchorSessions) -> None:
    ended = anchor.add_session(state=SessionState.ENDED)
    page = await reads.statuses(KEY, since=now() - 60)
    assert isinstance(page, SessionPage)
    assert {one.id: one.status for one in page.sessions} == {SESSION: "running", ended: "completed"}
    (request,) = anchor.requests
    assert request.query.keys() == {"created_from"}


async def test_the_details_of_one_session_are_read(anchor: SimAnchor, reads: AnchorSessions) -> None:
    one = anchor.session(SESSION)
    one.tags, one.steps, one.credits, one.max_duration = ["checkout"], 3, 1.5, 20
    read = await reads.details(KEY, SessionId(SESSION), within=5.0)
    assert isinstance(read, Session)
    assert (read.tags, read.steps, read.credits, read.max_minutes) == (("checkout=yes",), 3, 1.5, 20.0)
    other = SessionId("9c0d7e11-2222-4333-8444-555566667777")
    assert await reads.details(KEY, other, within=5.0) == NotRead(Unread.UNREADABLE, 404)
    anchor.read_fault = Answer(200, json.dumps({"id": SESSION}).encode())
    assert await reads.details(KEY, other, within=5.0) == NotRead(Unread.UNREADABLE, 200)


async def test_the_list_and_the_details_of_a_session_complete_each_other(
    anchor: SimAnchor, reads: AnchorSessions
) -> None:
    one = anchor.session(SESSION)
    one.tags, one.domains, one.is_task, one.steps, one.credits = ["checkout"], ["shop.example"], False, 3, 1.5
    newer = [anchor.add_session() for _ in range(2)]
    read = await reads.about(KEY, SessionId(SESSION), within=5.0)
    assert not isinstance(read, NotRead)
    about = {session.id: session for session in read}
    assert about.keys() == {SESSION, *newer}
    found = about[SessionId(SESSION)]
    assert (found.tags, found.domains, found.is_task) == (("checkout",), ("shop.example",), False)
    assert (found.steps, found.credits) == (3, 1.5)
    assert len(anchor.requests) == 2


async def test_a_session_that_is_not_among_the_newest_is_known_by_its_details(
    anchor: SimAnchor, reads: AnchorSessions
) -> None:
    anchor.session(SESSION).state = SessionState.ENDED
    read = await reads.about(KEY, SessionId(SESSION), within=5.0)
    assert not isinstance(read, NotRead)
    assert [session.status for session in read] == ["completed"]


@pytest.mark.parametrize(("fault", "read"), [(html(502), ()), (rate_limited(), NotRead(Unread.RATE_LIMITED, 429))])
async def test_only_a_rate_limit_of_two_reads_is_a_failure(
    anchor: SimAnchor, reads: AnchorSessions, fault: Fault, read: object
) -> None:
    anchor.read_fault = fault
    assert await reads.about(KEY, SessionId(SESSION), within=5.0) == read
