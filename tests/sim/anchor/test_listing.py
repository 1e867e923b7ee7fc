"""The list of sessions in the simulated Anchor: filters, pages, limits, and whose sessions they are."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest

from bot.sim.anchor import DEFAULT_KEY, SessionState, SimAnchor, unauthorized

pytestmark = pytest.mark.anyio

BEGAN = datetime(2026, 11, 26, 12, tzinfo=UTC)
NAMES = ("checkout", "mailer", "crawler", "ended")


@pytest.fixture(autouse=True)
async def sessions(anchor: SimAnchor) -> None:
    anchor.add_key("sk-ci", team_of=DEFAULT_KEY)
    anchor.add_key("sk-other")
    anchor.add_session(key="sk-other", tags=["foreign"])
    for number, name in enumerate(NAMES):
        anchor.add_session(
            key="sk-ci" if name == "mailer" else DEFAULT_KEY,
            state=SessionState.ENDED if name == "ended" else SessionState.RUNNING,
            created_at=BEGAN + timedelta(minutes=number),
            tags=[name, "Prod"],
            domains=[f"{name}.example"],
            steps=10 - number,
            is_task=name != "crawler",
            batch_id=f"batch-{name}",
            profile_name=f"profile-{name}",
            word="warming up" if name == "crawler" else "",
            credits=1.5,
        )


async def get(anchor: SimAnchor, client: aiohttp.ClientSession, query: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
    """Status and data of the answer."""
    headers = {"anchor-api-key": DEFAULT_KEY}
    async with client.get(f"{anchor.url}/v1/sessions", headers=headers, params=query) as response:
        return response.status, (await response.json()).get("data")


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({}, ["ended", "crawler", "mailer", "checkout"]),
        ({"sort_order": "asc"}, [*NAMES]),
        ({"sort_by": "steps", "sort_order": "asc"}, ["ended", "crawler", "mailer", "checkout"]),
        ({"status": "running"}, ["mailer", "checkout"]),
        ({"status": "warming up"}, ["crawler"]),
        ({"search": "CHECK,pro"}, ["checkout"]),
        ({"tags": "prod, mailer"}, ["mailer"]),
        ({"tags": "mail"}, []),
        ({"domains": "crawler.example"}, ["crawler"]),
        ({"created_from": "2026-11-26T12:02:00+00:00"}, ["ended", "crawler"]),
        ({"created_to": "2026-11-26T12:00:00+00:00"}, ["checkout"]),
        ({"batch_id": "batch-mailer"}, ["mailer"]),
        ({"profile_name": "profile-mailer"}, ["mailer"]),
        ({"task_initiated": "false"}, ["crawler"]),
    ],
)
async def test_it_has_the_sessions_of_the_team_that_the_query_chooses(
    anchor: SimAnchor, client: aiohttp.ClientSession, query: Mapping[str, str], names: list[str]
) -> None:
    status, data = await get(anchor, client, query)
    assert (status, [one["tags"][0] for one in data["sessions"]], data["total"]) == (200, names, len(names))
    assert anchor.violations == []


async def test_pages_have_the_size_that_is_asked_for(anchor: SimAnchor, client: aiohttp.ClientSession) -> None:
    for _ in range(20):
        anchor.add_session()
    pages = [(await get(anchor, client, {"page": str(page), "limit": "10"}))[1] for page in (1, 2, 3, 4)]
    assert [len(page["sessions"]) for page in pages] == [10, 10, 4, 0]
    assert {(page["total"], page["total_pages"]) for page in pages} == {(24, 3)}


@pytest.mark.parametrize(
    "query",
    [{"limit": "15"}, {"limit": "x"}, {"page": "0"}, {"sort_by": "name"}, {"sort_order": "up"}, {"created_to": "now"}],
)
async def test_a_query_that_it_does_not_understand_is_refused(
    anchor: SimAnchor, client: aiohttp.ClientSession, query: Mapping[str, str]
) -> None:
    assert (await get(anchor, client, query))[0] == 400


async def test_credits_are_known_at_the_end_and_details_have_other_forms(
    anchor: SimAnchor, client: aiohttp.ClientSession
) -> None:
    _, data = await get(anchor, client, {"search": "prod", "sort_order": "asc"})
    assert [one["used_credits"] for one in data["sessions"]] == ["N/A", "N/A", "N/A", 1.5]
    url = f"{anchor.url}/v1/sessions/{data['sessions'][0]['id']}"
    async with client.get(url, headers={"anchor-api-key": "sk-ci"}) as response:
        details = (await response.json())["data"]
    assert (details["tags"], details["steps"]) == ({"checkout": "yes", "Prod": "yes"}, [{}] * 10)


async def test_a_fault_of_reads_leaves_orders_alone(anchor: SimAnchor, client: aiohttp.ClientSession) -> None:
    session = anchor.add_session()
    anchor.read_fault = unauthorized()
    assert (await get(anchor, client, {}))[0] == 401
    url, headers = f"{anchor.url}/v1/sessions/{session}/agent/pause", {"anchor-api-key": DEFAULT_KEY}
    async with client.post(url, headers=headers) as response:
        assert response.status == 200
    assert anchor.read_fault is not None
