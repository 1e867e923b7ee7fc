"""Sessions as Anchor lists and describes them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.outbound.anchor_orders import AnchorHttp
from bot.outbound.anchor_sessions import AnchorSessions, read_details, read_page, read_statuses
from bot.sim import anchor as sim
from harness.product import Secret, SessionId, sessions
from harness.texts import SESSION
from harness.values import http_client

KEY, ID = Secret(sim.DEFAULT_KEY), SessionId(SESSION)
NotRead = sessions.NotRead


def session(**fields: Any) -> sessions.Session:
    return sessions.Session(id=SessionId(SESSION), **fields)


@asynccontextmanager
async def anchor_sessions(url: str, *, within: float = 5.0) -> AsyncIterator[AnchorSessions]:
    async with http_client() as client:
        yield AnchorSessions(AnchorHttp(client, url), within)


@pytest.fixture
async def reads(anchor: sim.SimAnchor) -> AsyncIterator[AnchorSessions]:
    async with anchor_sessions(f"{anchor.url}/") as reads:
        yield reads


@pytest.mark.parametrize(
    ("fault", "failure"),
    [
        (sim.unauthorized(), NotRead(401)),
        (sim.forbidden(), NotRead(403)),
        (sim.rate_limited(), NotRead(429)),
        (sim.html(503), NotRead(503)),
        (sim.html(200), NotRead(200)),
        (sim.Answer(200, b'{"error":{"message":"no"}}'), NotRead(200)),
        (sim.Answer(200, b"{}"), NotRead(200)),
        (sim.HugeBody(), NotRead(200)),
        (sim.ResetAfterReading(), NotRead()),
        (sim.Hang(), NotRead()),
    ],
)
async def test_each_failure_says_why(anchor: sim.SimAnchor, fault: sim.Fault, failure: sessions.NotRead) -> None:
    anchor.read_fault = fault
    async with anchor_sessions(anchor.url, within=0.5) as reads:
        assert await reads.running(KEY) == failure
        assert await reads.statuses(KEY) == failure
        assert await reads.details(KEY, ID, within=0.5) == failure


async def test_the_list_and_the_details_of_a_session_complete_each_other(
    anchor: sim.SimAnchor, reads: AnchorSessions
) -> None:
    one = anchor.session(SESSION)
    one.domains, one.is_task = ["shop.example"], False
    newer = anchor.add_session()
    read = await reads.about(KEY, ID, within=5.0)
    assert not isinstance(read, sessions.NotRead)
    about = {session.id: session for session in read}
    assert about.keys() == {SESSION, newer}
    assert (about[ID].domains, about[ID].is_task) == (("shop.example",), False)
    one.state = sim.SessionState.ENDED  # so that it is not among those that run
    read = await reads.about(KEY, ID, within=5.0)
    assert not isinstance(read, sessions.NotRead)
    assert {session.id: session.status for session in read}[ID] == "completed"
    anchor.read_fault = sim.unauthorized(times=1)  # of the details
    assert {session.id for session in await reads.about(KEY, ID, within=5.0)} == {newer}  # type: ignore[union-attr]
    anchor.read_fault = sim.forbidden()
    assert await reads.about(KEY, ID, within=5.0) == NotRead(403)


CREATED = "2026-11-26T12:00:00.000Z"
CREATED_AT = datetime(2026, 11, 26, 12, tzinfo=UTC).timestamp()
DOMAINS = [
    *("shop.example", "https://user:pw@bank.example:444/pay?token=s3cret#x", "shop.example/again"),
    *("https://[::1", "secret token", "", "//", "a..b?q=1", "über.example", "token=s3cret"),
]


@pytest.mark.parametrize(
    ("item", "read"),
    [
        ({}, session()),
        ({"status": " running "}, session(status="running")),
        ({"status": 7, "tags": 7, "domains": "x", "api_key_name": None}, session()),
        ({"created_at": CREATED}, session(created_at=CREATED_AT)),
        ({"created_at": "2026-11-26T12:00:00"}, session(created_at=CREATED_AT)),
        ({"created_at": "2026-11-26T13:00:00+01:00"}, session(created_at=CREATED_AT)),
        ({"created_at": "yesterday"}, session()),
        ({"created_at": "0001-01-01T00:00:00Z"}, session()),
        ({"created_at": CREATED_AT}, session()),
        ({"created_at": True}, session()),
        ({"tags": ["checkout", " ", 7, " prod "]}, session(tags=("checkout", "prod"))),
        ({"tags": {"team": "web", "tries": 3}}, session(tags=("team=web", "tries=3"))),
        ({"created_at": float("nan")}, session()),
        ({"created_at": 10**400}, session()),
        ({"task_initiated": False, "api_key_name": " ci "}, session(is_task=False, key_name="ci")),
        ({"task_initiated": "false"}, session()),
        ({"user_configuration": {"session": {"timeout": {"max_duration": 20}}}}, session(max_minutes=20.0)),
        ({"configuration": {"timeout": {"max_duration": 5}}}, session(max_minutes=5.0)),
        ({"configuration": {"session": {"max_duration": 7}}}, session(max_minutes=7.0)),
        ({"configuration": {"timeout": {"max_duration": -1}}}, session(max_minutes=0.0)),
        ({"configuration": {"timeout": {"max_duration": "2 h"}}}, session(max_minutes=0.0)),
        ({"configuration": [], "user_configuration": {"timeout": 3}}, session()),
        ({"domains": DOMAINS}, session(domains=("shop.example", "bank.example", "a..b", "über.example"))),
    ],
)
def test_each_form_of_a_field_is_read(item: dict[str, object], read: Any) -> None:
    for shape in ({"id": SESSION}, {"session_id": SESSION.upper()}):
        whole = {**shape, **item}
        assert read_details(whole) == read_details({"data": whole}) == read
        assert read_page({"data": {"sessions": [whole]}}, 1) == sessions.SessionPage((read,), is_last=True)
        assert read_page({"sessions": [whole]}, 1) == sessions.SessionPage((read,), is_last=True)
        assert read_statuses({"data": {"items": [whole]}}) == sessions.SessionPage((read,), is_last=False)


@pytest.mark.parametrize("unknown", [None, "", "x", 7, f"{SESSION} {SESSION} x", [SESSION]])
def test_a_session_without_an_id_is_counted_and_left_out(unknown: object) -> None:
    assert read_details({"id": unknown}) is None
    page = read_page({"sessions": [{"id": unknown}, {"id": SESSION}, "x"]}, 1)
    assert page == sessions.SessionPage((session(),), is_last=True, unreadable=2)


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
    page = read_page({"sessions": [{**item, "id": SESSION}]}, 1)
    assert page is not None
    assert page.sessions[0].id == SESSION
    assert all("/" not in host and "?" not in host for host in page.sessions[0].domains)
