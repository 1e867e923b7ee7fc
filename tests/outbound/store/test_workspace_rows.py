"""The rows of workspaces: apart from each other; of several changes of the same version one is made."""

import asyncio
import gc
import uuid
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest

from bot.outbound.store.summary import Summary
from harness.databases import KEY
from harness.order_rows import order_row
from harness.product import OrderRows, Secret, Store, errors, open_store, policy
from harness.product import workspace as product
from harness.stored import ACME, ANCHOR_KEY, GLOBEX, POLICY, execute, fetch, uninstall

pytestmark = pytest.mark.anyio

NOBODY = "T0NOBODY001"
OTHER = product.AnchorKey(Secret("sk-other"))
OTHER_POLICY = policy.Policy(resume=policy.Rule(channels=frozenset({"C2"})))


@pytest.fixture
async def both(store: Store) -> Store:
    """A store with two workspaces: what is done to Acme must leave Globex as it was."""
    for one in (ACME, GLOBEX):
        await store.rows.save(one)
    return store


async def acme(store: Store) -> product.Workspace:
    found = await store.rows.find(ACME.team_id)
    assert found
    return found


async def untouched(store: Store) -> bool:
    expected = product.Workspace(
        GLOBEX.team_id, GLOBEX.bot_token, None, installed_by=GLOBEX.installed_by, is_managed=True
    )
    return await store.rows.find(GLOBEX.team_id) == expected


async def keep_about(store: Store) -> None:
    """An admin, a notice and an order of either workspace."""
    for one in (ACME, GLOBEX):
        await OrderRows(store.database, store.cipher, "1").write([order_row(team=one.team_id)], [])
        await store.admins.record(one.team_id, "U0ALICE0001", 0)
        assert await store.notices.claim(one.team_id, "welcome", 0)


async def kept_about(store: Store) -> list[str]:
    rows = await fetch(
        store, "SELECT team_id FROM admins UNION ALL SELECT team_id FROM notices UNION ALL SELECT team_id FROM orders"
    )
    return sorted((team for (team,) in rows), key=[ACME.team_id, GLOBEX.team_id].index)


async def test_an_installation_is_found_by_its_team_and_by_no_other(store: Store) -> None:
    assert await store.rows.find(ACME.team_id) is None
    assert not await store.rows.save(ACME)
    assert await acme(store) == product.Workspace(
        ACME.team_id, Secret("xoxb-of-acme"), None, installed_by="U0ALICE0001", is_managed=True
    )
    assert [await store.rows.find(other) for other in ("t0home00001", "T0GLOBEX001", "")] == [None] * 3


async def test_installing_again_keeps_what_is_the_workspaces_own(store: Store) -> None:
    await store.rows.save(ACME)
    await store.rows.set_key(ACME.team_id, ANCHOR_KEY)
    await store.rows.set_policy(ACME.team_id, POLICY, if_version=0)
    await store.rows.set_alerts_token(ACME.team_id, "d1")
    await store.rows.set_alerts_channel(ACME.team_id, "C1")
    await store.admins.record(ACME.team_id, "U0ALICE0001", 0)
    assert await store.notices.claim(ACME.team_id, "welcome", 0)
    again = replace(ACME, bot_token=Secret("xoxb-new"), enterprise_id="E0GRID00001", team_name="Acme Inc.")
    assert await store.rows.save(replace(again, installed_by="U0BOB000001"))
    assert await acme(store) == product.Workspace(
        ACME.team_id,
        Secret("xoxb-new"),
        ANCHOR_KEY,
        policy=POLICY,
        alerts_token_digest="d1",
        alerts_channel="C1",
        key_version=1,
        policy_version=1,
        alerts_token_version=1,
        installed_by="U0BOB000001",
        enterprise_id="E0GRID00001",
        is_managed=True,
    )
    assert await store.admins.of(ACME.team_id) == ["U0ALICE0001"]
    assert not await store.notices.claim(ACME.team_id, "welcome", 1)
    assert await store.rows.summary(ACME.team_id) == Summary(
        team_id=ACME.team_id,
        team_name="Acme Inc.",
        enterprise_id="E0GRID00001",
        scopes="commands,chat:write",
        installed_by="U0BOB000001",
        installed_at=1_785_000_000,
        has_key=True,
        has_alerts_token=True,
        alerts_channel="C1",
    )


async def test_nothing_of_a_deleted_workspace_stays_in_memory(store: Store) -> None:
    token = Secret(f"xoxb-{uuid.uuid4()}")

    def kept() -> int:
        gc.collect()
        return sum(isinstance(one, product.Workspace) and one.bot_token == token for one in gc.get_objects())

    await store.rows.save(replace(ACME, bot_token=token))
    assert await store.rows.find(ACME.team_id) is await store.rows.find(ACME.team_id)  # not decrypted again
    assert kept() == 1
    assert await store.rows.delete(ACME.team_id)
    assert await store.rows.find(ACME.team_id) is None
    assert kept() == 0


async def test_a_workspace_that_is_deleted_leaves_nothing(both: Store) -> None:
    assert [one.team_id for one in await both.rows.summaries()] == ["T0GLOBEX001", "T0HOME00001"]
    await both.rows.set_key(ACME.team_id, ANCHOR_KEY)
    await keep_about(both)
    assert [await both.rows.delete(ACME.team_id) for _ in range(2)] == [True, False]
    assert await kept_about(both) == [GLOBEX.team_id] * 3
    assert [one.team_id for one in await both.rows.summaries()] == ["T0GLOBEX001"]
    assert await both.rows.summary(ACME.team_id) is None
    assert not await both.rows.save(ACME), "the key came back"


@pytest.mark.parametrize(
    ("after", "bots", "stays"),
    [
        (0, None, False),
        (60, None, False),
        (-1, None, True),
        (60, ("U0ANCHORBOT",), False),
        (60, ("U0OTHERBOT1", "U0ANCHORBOT"), False),
        (60, ("U0OTHERBOT1",), True),
        (-1, ("U0ANCHORBOT",), True),
    ],
)
async def test_a_departure_ends_what_was_there_when_it_happened(
    both: Store, after: int, bots: tuple[str, ...] | None, stays: bool
) -> None:
    await keep_about(both)
    assert await both.rows.delete_uninstalled(uninstall(after, bots)) is not stays
    assert (await both.rows.find(ACME.team_id) is not None) is stays
    assert await kept_about(both) == ([ACME.team_id] * 3 if stays else []) + [GLOBEX.team_id] * 3
    assert await untouched(both)
    assert not await both.rows.delete_uninstalled(uninstall(after, bots))


async def test_no_secret_stands_in_a_row(store: Store) -> None:
    await store.rows.save(ACME)
    await store.rows.set_key(ACME.team_id, ANCHOR_KEY)
    stored = str(await fetch(store, "SELECT * FROM workspaces"))
    assert [secret for secret in ("xoxb", "sk-of-acme") if secret in stored] == []


@pytest.mark.parametrize(
    ("taken", "put"),
    [("bot_token", "bot_token"), ("anchor_api_key", "anchor_api_key"), ("bot_token", "anchor_api_key")],
)
async def test_a_ciphertext_in_another_place_does_not_decrypt(both: Store, taken: str, put: str) -> None:
    for one in (ACME, GLOBEX):
        await both.rows.set_key(one.team_id, product.AnchorKey(Secret(f"sk-of-{one.team_id}")))
    theirs = f"(SELECT {taken} FROM workspaces WHERE team_id = 'T0HOME00001')"  # noqa: S608
    await execute(both, f"UPDATE workspaces SET {put} = {theirs} WHERE team_id = 'T0GLOBEX001'")  # noqa: S608
    with pytest.raises(errors.UnreadableError, match=f"{put} of T0GLOBEX001"):
        await both.rows.find(GLOBEX.team_id)
    await acme(both)


async def test_changes_of_different_workspaces_at_the_same_moment_all_happen(store: Store) -> None:
    teams = [f"T0TEAM{number:05}" for number in range(20)]
    await asyncio.gather(*(store.rows.save(replace(ACME, team_id=team)) for team in teams))
    keys = [product.AnchorKey(Secret(f"sk-{team}")) for team in teams]
    assert all(await asyncio.gather(*map(store.rows.set_key, teams, keys)))
    found = await asyncio.gather(*map(store.rows.find, teams))
    assert [one and one.anchor_key for one in found] == keys


# --- the version that a change replaces ---


async def test_a_key_is_changed_by_those_who_have_seen_the_last_one(both: Store) -> None:
    change = both.rows
    assert await change.set_key(ACME.team_id, ANCHOR_KEY, if_version=0)
    for stale in (0, 2):
        assert not await change.set_key(ACME.team_id, OTHER, if_version=stale)
        assert not await change.remove_key(ACME.team_id, if_version=stale)
    assert ((await acme(both)).anchor_key, (await acme(both)).key_version) == (ANCHOR_KEY, 1)
    assert await change.set_key(ACME.team_id, OTHER, if_version=1)
    assert await change.set_key(ACME.team_id, ANCHOR_KEY), "an operator changes it whatever it was"
    assert ((await acme(both)).anchor_key, (await acme(both)).key_version) == (ANCHOR_KEY, 3)
    assert await change.remove_key(ACME.team_id, if_version=3)
    assert ((await acme(both)).anchor_key, (await acme(both)).key_version) == (None, 4)
    rows = await fetch(
        both,
        "SELECT anchor_api_key, anchor_api_key_check, anchor_api_key_set_by, anchor_api_key_set_at FROM workspaces",
    )
    assert rows == [(None,) * 4] * 2, "something of the key stays"
    assert not await change.set_key(NOBODY, ANCHOR_KEY, if_version=0)
    assert not await change.remove_key(NOBODY, if_version=0)
    assert await untouched(both)


async def test_the_check_of_a_key_is_recorded_for_its_version_only(both: Store) -> None:
    record = both.rows.record_key_check
    await record(ACME.team_id, 0, product.KeyCheck.REFUSED)
    assert (await acme(both)).anchor_key is None
    await both.rows.set_key(ACME.team_id, OTHER)
    for stale in (0, 2):
        await record(ACME.team_id, stale, product.KeyCheck.REFUSED)
        assert (await acme(both)).anchor_key == OTHER
    for check in (product.KeyCheck.VERIFIED, product.KeyCheck.REFUSED):
        await record(ACME.team_id, 1, check)
        assert (await acme(both)).anchor_key == replace(OTHER, check=check)
    assert (await acme(both)).key_version == 1
    assert await untouched(both)


@pytest.mark.parametrize("written", [None, "doubted"])
async def test_what_another_version_of_the_bot_says_of_a_key_is_no_word_of_anchors(
    both: Store, written: str | None
) -> None:
    await both.rows.set_key(ACME.team_id, ANCHOR_KEY)
    await execute(both, "UPDATE workspaces SET anchor_api_key_check = :written", written=written)
    assert (await acme(both)).anchor_key == replace(ANCHOR_KEY, check=product.KeyCheck.UNVERIFIED)
    await both.rows.record_key_check(ACME.team_id, 1, product.KeyCheck.VERIFIED)
    assert (await acme(both)).anchor_key == ANCHOR_KEY


async def test_a_policy_is_changed_by_those_who_have_seen_the_last_one(both: Store) -> None:
    change = both.rows.set_policy
    assert await change(ACME.team_id, POLICY, if_version=0)
    for stale in (0, 2):
        assert not await change(ACME.team_id, OTHER_POLICY, if_version=stale)
    assert ((await acme(both)).policy, (await acme(both)).policy_version) == (POLICY, 1)
    assert await change(ACME.team_id, OTHER_POLICY, if_version=1)
    assert ((await acme(both)).policy, (await acme(both)).policy_version) == (OTHER_POLICY, 2)
    assert (await acme(both)).key_version == 0
    assert not await change(NOBODY, POLICY, if_version=0)
    assert await untouched(both)


async def test_a_policy_that_can_not_be_read_is_an_error(both: Store) -> None:
    await execute(both, "UPDATE workspaces SET policy = '{}' WHERE team_id = 'T0HOME00001'")
    with pytest.raises(errors.UnreadableError, match="policy"):
        await both.rows.find(ACME.team_id)
    assert await untouched(both)


async def test_alerts_have_a_token_and_a_channel_each_set_alone(both: Store) -> None:
    async def alerts() -> tuple[str | None, str | None, int]:
        found = await acme(both)
        return found.alerts_token_digest, found.alerts_channel, found.alerts_token_version

    change = both.rows
    assert await change.set_alerts_token(ACME.team_id, "d1")
    assert await alerts() == ("d1", None, 1)
    assert not await change.set_alerts_token(ACME.team_id, "d2", if_version=0)
    assert await change.set_alerts_token(ACME.team_id, "d2", if_version=1)
    assert not await change.move_alerts(ACME.team_id, "C0", before="C1")
    assert await change.move_alerts(ACME.team_id, "C1", before=None)
    assert await alerts() == ("d2", "C1", 2)
    assert await change.set_alerts_channel(ACME.team_id, "C2")
    assert not await change.move_alerts(ACME.team_id, "C0", before="C1")
    assert await alerts() == ("d2", "C2", 2)
    assert not await change.set_alerts_token(NOBODY, "d3")
    assert not await change.set_alerts_channel(NOBODY, "C3")
    assert await untouched(both)


CHANGES: dict[str, Callable[[Store, int], Awaitable[bool]]] = {
    "set_key": lambda store, n: store.rows.set_key(ACME.team_id, product.AnchorKey(Secret(f"sk-{n}")), if_version=1),
    "remove_key": lambda store, _: store.rows.remove_key(ACME.team_id, if_version=1),
    "set_policy": lambda store, n: store.rows.set_policy(
        ACME.team_id, policy.Policy(policy.Rule(frozenset({f"U{n}"}))), if_version=0
    ),
    "claim_notice": lambda store, n: store.notices.claim(ACME.team_id, "welcome", n),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
async def test_of_ten_at_once_in_several_bots_one_succeeds(
    database_url: str, change: Callable[[Store, int], Awaitable[bool]]
) -> None:
    async with AsyncExitStack() as stack:
        bots = [
            await stack.enter_async_context(open_store(Secret(database_url), [KEY], first_version=lambda: 0))
            for _ in range(5)
        ]
        await bots[0].rows.save(ACME)
        await bots[0].rows.set_key(ACME.team_id, ANCHOR_KEY)
        done = await asyncio.gather(*(change(bot, n) for n, bot in enumerate(bots * 2)))
        assert sorted(done) == [False] * 9 + [True]
        found = await acme(bots[0])
        if found.policy != policy.Policy():
            assert found.policy == policy.Policy(policy.Rule(frozenset({f"U{done.index(True)}"})))
        if found.key_version != 1 and found.anchor_key is not None:
            assert found.anchor_key.value == Secret(f"sk-{done.index(True)}")
