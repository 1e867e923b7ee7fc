"""A change of a key or a policy names the version it replaces: of several for the same version, one is made."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import pytest
from sqlalchemy import select, update

from bot.core.policy import Policy, Rule
from bot.core.secret import Secret
from bot.core.workspace import AnchorKey, KeyCheck, Workspace
from bot.outbound.store.errors import UnreadableError
from bot.outbound.store.schema import workspaces
from bot.outbound.store.store import Store, open_store
from harness.databases import KEY as ENCRYPTION_KEY
from outbound.store.test_workspace_rows import ACME, GLOBEX, KEY, POLICY

pytestmark = pytest.mark.anyio

OTHER = AnchorKey(Secret("sk-other"))


async def acme(store: Store) -> Workspace:
    found = await store.rows.find(ACME.team_id)
    assert found
    return found


@pytest.fixture
async def both(store: Store) -> Store:
    """A store with two workspaces: what is done to Acme must leave Globex as it was."""
    for one in (ACME, GLOBEX):
        await store.rows.save(one)
    return store


async def untouched(store: Store) -> bool:
    found = await store.rows.find(GLOBEX.team_id)
    return found == Workspace(GLOBEX.team_id, GLOBEX.bot_token, None, installed_by=GLOBEX.installed_by, is_managed=True)


async def test_a_key_is_changed_by_those_who_have_seen_the_last_one(both: Store) -> None:
    change = both.rows
    assert await change.set_key(ACME.team_id, KEY, if_version=0)
    assert (await acme(both)).anchor_key == KEY
    for stale in (0, 2):
        assert not await change.set_key(ACME.team_id, OTHER, if_version=stale)
        assert not await change.remove_key(ACME.team_id, if_version=stale)
    assert ((await acme(both)).anchor_key, (await acme(both)).key_version) == (KEY, 1)
    assert await change.set_key(ACME.team_id, OTHER, if_version=1)
    assert ((await acme(both)).anchor_key, (await acme(both)).key_version) == (OTHER, 2)
    assert await change.remove_key(ACME.team_id, if_version=2)
    assert ((await acme(both)).anchor_key, (await acme(both)).key_version) == (None, 3)
    assert not await change.set_key("T0NOBODY001", KEY, if_version=0)
    assert not await change.remove_key("T0NOBODY001", if_version=0)
    assert await untouched(both)


async def test_an_operator_changes_a_key_whatever_it_was(both: Store) -> None:
    for version in (1, 2, 3):
        assert await both.rows.set_key(ACME.team_id, OTHER)
        assert (await acme(both)).key_version == version
    assert await untouched(both)


async def test_of_a_key_that_was_removed_nothing_stays(both: Store) -> None:
    await both.rows.set_key(ACME.team_id, KEY)
    await both.rows.remove_key(ACME.team_id, if_version=1)
    of_key = [column for column in workspaces.c if column.name.startswith("anchor_api_key")]
    rows = await both.database.fetch_all(select(*of_key))
    assert [tuple(row) for row in rows] == [(None,) * 4] * 2


async def test_the_check_of_a_key_is_recorded_for_its_version_only(both: Store) -> None:
    record = both.rows.record_key_check
    await record(ACME.team_id, 0, KeyCheck.REFUSED)
    assert (await acme(both)).anchor_key is None
    await both.rows.set_key(ACME.team_id, OTHER)
    for stale in (0, 2):
        await record(ACME.team_id, stale, KeyCheck.REFUSED)
        assert (await acme(both)).anchor_key == OTHER
    for check in (KeyCheck.VERIFIED, KeyCheck.REFUSED):
        await record(ACME.team_id, 1, check)
        assert (await acme(both)).anchor_key == AnchorKey(OTHER.value, check)
    assert (await acme(both)).key_version == 1
    assert await untouched(both)


@pytest.mark.parametrize("written", [None, "doubted"])
async def test_what_another_version_of_the_bot_says_of_a_key_is_no_word_of_anchors(
    both: Store, written: str | None
) -> None:
    await both.rows.set_key(ACME.team_id, KEY)
    await both.database.execute(update(workspaces).values(anchor_api_key_check=written))
    found = (await acme(both)).anchor_key
    assert found
    assert found.check is KeyCheck.UNVERIFIED
    await both.rows.record_key_check(ACME.team_id, 1, KeyCheck.VERIFIED)
    assert (await acme(both)).anchor_key == KEY


async def test_a_policy_is_changed_by_those_who_have_seen_the_last_one(both: Store) -> None:
    change = both.rows.set_policy
    assert await change(ACME.team_id, POLICY, if_version=0)
    other = Policy(resume=Rule(channels=frozenset({"C2"})))
    for stale in (0, 2):
        assert not await change(ACME.team_id, other, if_version=stale)
    assert ((await acme(both)).policy, (await acme(both)).policy_version) == (POLICY, 1)
    assert await change(ACME.team_id, other, if_version=1)
    assert ((await acme(both)).policy, (await acme(both)).policy_version) == (other, 2)
    assert (await acme(both)).key_version == 0
    assert not await change("T0NOBODY001", POLICY, if_version=0)
    assert await untouched(both)


async def test_a_policy_that_can_not_be_read_is_an_error(both: Store) -> None:
    await both.database.execute(update(workspaces).where(workspaces.c.team_id == ACME.team_id).values(policy="{}"))
    with pytest.raises(UnreadableError, match="policy"):
        await both.rows.find(ACME.team_id)
    assert await untouched(both)


CHANGES: list[Callable[[Store, int], Awaitable[bool]]] = [
    lambda store, n: store.rows.set_key(ACME.team_id, AnchorKey(Secret(f"sk-{n}")), if_version=1),
    lambda store, _: store.rows.remove_key(ACME.team_id, if_version=1),
    lambda store, n: store.rows.set_policy(ACME.team_id, Policy(Rule(frozenset({f"U{n}"}))), if_version=0),
    lambda store, n: store.notices.claim(ACME.team_id, "welcome", n),
]


@pytest.mark.parametrize("change", CHANGES, ids=["set_key", "remove_key", "set_policy", "claim_notice"])
async def test_of_ten_at_once_in_several_bots_one_succeeds(
    database_url: str, change: Callable[[Store, int], Awaitable[bool]]
) -> None:
    async with AsyncExitStack() as stack:
        bots = [
            await stack.enter_async_context(open_store(Secret(database_url), [ENCRYPTION_KEY], first_version=lambda: 0))
            for _ in range(5)
        ]
        await bots[0].rows.save(ACME)
        await bots[0].rows.set_key(ACME.team_id, KEY)
        done = await asyncio.gather(*(change(bot, n) for n, bot in enumerate(bots * 2)))
        assert sorted(done) == [False] * 9 + [True]
        found = await acme(bots[0])
        if found.policy != Policy():
            assert found.policy == Policy(Rule(frozenset({f"U{done.index(True)}"})))
        if found.key_version != 1 and found.anchor_key is not None:
            assert found.anchor_key.value == Secret(f"sk-{done.index(True)}")
