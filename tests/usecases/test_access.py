"""Who is asked before an order, who is notified, and how a delivery ends."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from unittest.mock import AsyncMock, Mock

import pytest

from bot.outbound.slack.client import Doubtful, Posted
from bot.sim.slack import api_error
from bot.usecases import delivery
from bot.usecases.access import Access, AccessCheck, OperatorAccess
from bot.usecases.delivery import MessageDelivery
from harness import SESSION, many_workspaces
from harness.databases import KEY
from harness.product import Secret, SessionId, errors, open_store, policy, requests, workspace
from harness.stored import ACME, ANCHOR_KEY, WatchedRows, served

Verb, Source = requests.Verb, requests.Source
NEWER = replace(ANCHOR_KEY, value=Secret("sk-newer"))


@pytest.fixture
async def rows(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[WatchedRows]:
    monkeypatch.setattr("bot.outbound.store.store.random_version", lambda: 0)
    async with open_store(Secret("sqlite://"), [KEY]) as store:
        await store.rows.save(ACME)
        await store.rows.set_key(ACME.team_id, ANCHOR_KEY)
        await store.rows.set_policy(ACME.team_id, policy.Policy(end=policy.Rule()), if_version=0)
        token = workspace.AlertToken("monitor", "digest", may_pause=True)
        await store.rows.set_alert_tokens(ACME.team_id, [token], if_version=0)
        modes = workspace.AutoPause
        await store.rows.set_auto_pause(ACME.team_id, modes.ON, before=modes.OFF, by="U1")
        yield WatchedRows(store)


async def key_of(check: AccessCheck, verb: requests.Verb, source: requests.Source) -> str | None:
    user_id = requests.program_id("monitor") if source is Source.ALERT else requests.operator_id("root")
    actor = requests.Actor(ACME.team_id, "C0ALERTS001", user_id)
    access = await check.check(requests.Order(verb, SessionId(SESSION), actor, source=source))
    return access.key.reveal() if isinstance(access, Access) else None


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("verb", "source", "is_read_now"),
    [
        (Verb.PAUSE, Source.COMMAND_LINE, False),
        (Verb.PAUSE, Source.ALERT, True),
        (Verb.RESUME, Source.COMMAND_LINE, True),
        (Verb.END, Source.COMMAND_LINE, True),
    ],
)
async def test_only_a_pause_of_a_person_uses_what_was_read_a_moment_ago(
    rows: WatchedRows, verb: requests.Verb, source: requests.Source, *, is_read_now: bool
) -> None:
    check = AccessCheck(served(rows), Mock(), Mock())
    assert await key_of(check, Verb.PAUSE, Source.COMMAND_LINE) == "sk-of-acme"
    await rows.store.rows.set_key(ACME.team_id, NEWER)
    assert await key_of(check, verb, source) == ("sk-newer" if is_read_now else "sk-of-acme")
    rows.refuse()
    assert (await key_of(check, verb, source) is None) is is_read_now


@pytest.mark.anyio
@pytest.mark.parametrize("by", ["the bot", "the command line"])
async def test_a_newer_key_is_the_one_that_the_database_has_now(rows: WatchedRows, by: str) -> None:
    directory = served(rows)
    check = AccessCheck(directory, Mock(), Mock()) if by == "the bot" else OperatorAccess(rows.find)
    found = await directory.find(ACME.team_id)
    assert found
    access = Access(found, ANCHOR_KEY.value, (ACME.team_id, "U1"), is_admin=True)
    assert await check.newer_key(access) is None
    await rows.store.rows.set_key(ACME.team_id, NEWER)
    newer = await check.newer_key(access)
    assert newer
    assert (newer.key, newer.is_admin, await check.newer_key(newer)) == (NEWER.value, True, None)
    rows.error = errors.StoreUnreachableError("gone")
    assert await check.newer_key(access) is None


@pytest.mark.anyio
@pytest.mark.parametrize("event", ["refused key", "missing scope"])
async def test_if_nobody_could_be_told_it_is_tried_again_after_ten_minutes_until_somebody_was(
    event: str, sqlite_url: str
) -> None:
    async with many_workspaces(sqlite_url) as at:
        tenant = await at.set_up(at.add(1))
        await at.store.people.record_admin(tenant.team_id, tenant.person.id, 1_785_000_000)
        if event == "refused key":
            at.anchor.revoke(tenant.key)
        else:
            tenant.workspace.installation.scopes = {"commands", "chat:write"}
        at.slack.faults["chat.postMessage"] = api_error("messages_tab_disabled")
        for pause, count in ((0.0, 0), (590.0, 0), (20.0, 1), (200.0, 1)):
            await asyncio.sleep(pause)
            await tenant.answer("a command")
            await asyncio.sleep(5.0)
            at.slack.faults["chat.postMessage"] = None
            assert len(tenant.direct_messages()) == count


@pytest.mark.anyio
async def test_no_message_is_sent_to_a_forgotten_person() -> None:
    slack: Any = AsyncMock()
    message: Any = AsyncMock(text="done")
    assert not await MessageDelivery(slack, slack, slack).send_dm("T0HOME00001", "forgotten-1", message)
    assert slack.mock_calls == []


@pytest.mark.anyio
async def test_a_notice_that_slack_does_not_answer_is_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "_FIRST_BACKOFF", 0.0)
    post = AsyncMock(side_effect=[Doubtful("TimeoutError"), Posted("D1", "1.0")])
    monkeypatch.setattr(MessageDelivery, "_post", post)
    slack, message = Mock(), AsyncMock(text="done")
    assert await MessageDelivery(slack, slack, slack).send_dm(ACME.team_id, "U0ADMIN0001", message)
    assert post.call_count == 2
