"""The rows of a workspace: stored, separate from others, and deleted."""

import asyncio
import gc
import uuid
from dataclasses import replace

import pytest
from sqlalchemy import select, update

from bot.core.installation import Installation, Uninstall
from bot.core.policy import Policy, Rule
from bot.core.secret import Secret
from bot.core.workspace import AnchorKey, KeyCheck, Workspace
from bot.outbound.store.errors import UnreadableError
from bot.outbound.store.order_rows import OrderRows
from bot.outbound.store.schema import admins, notices, orders, workspaces
from bot.outbound.store.store import Store
from bot.outbound.store.summary import Summary
from harness.order_rows import order_row

pytestmark = pytest.mark.anyio

ACME = Installation(
    team_id="T0HOME00001",
    team_name="Acme",
    enterprise_id=None,
    app_id="A0ANCHOR001",
    bot_user_id="U0ANCHORBOT",
    bot_token=Secret("xoxb-of-acme"),
    scopes=("commands", "chat:write"),
    installed_by="U0ALICE0001",
    installed_at=1_785_000_000,
)
GLOBEX = replace(ACME, team_id="T0GLOBEX001", team_name="Globex", bot_token=Secret("xoxb-of-globex"))
KEY = AnchorKey(Secret("sk-of-acme"), KeyCheck.VERIFIED, "U0ALICE0001", 1_785_000_100)
POLICY = Policy(pause=Rule(frozenset({"U2", "U1"}), frozenset({"C1"})))


async def keep_about(store: Store) -> None:
    """An admin, a notice and an order of either workspace."""
    for one in (ACME, GLOBEX):
        await OrderRows(store.database, store.cipher, "1").write([order_row(team=one.team_id)], [])
        await store.admins.record(one.team_id, "U0ALICE0001", 0)
        assert await store.notices.claim(one.team_id, "welcome", 0)


async def kept_about(store: Store) -> list[str]:
    """List the workspaces of all admins, notices and orders."""
    rows = [
        row for table in (admins, notices, orders) for row in await store.database.fetch_all(select(table.c.team_id))
    ]
    return sorted((row.team_id for row in rows), key=[ACME.team_id, GLOBEX.team_id].index)


async def test_an_installation_is_found_by_its_team_and_by_no_other(store: Store) -> None:
    assert await store.rows.find(ACME.team_id) is None
    assert not await store.rows.save(ACME)
    assert await store.rows.find(ACME.team_id) == Workspace(
        "T0HOME00001", Secret("xoxb-of-acme"), None, installed_by="U0ALICE0001", is_managed=True
    )
    assert await store.rows.find("t0home00001") is None
    assert await store.rows.find("T0GLOBEX001") is None
    assert await store.rows.find("") is None


async def test_installing_again_keeps_what_is_the_workspaces_own(store: Store) -> None:
    await store.rows.save(ACME)
    await store.rows.set_key(ACME.team_id, KEY)
    await store.rows.set_policy(ACME.team_id, POLICY, if_version=0)
    await store.rows.set_alerts_token(ACME.team_id, "d1")
    await store.rows.set_alerts_channel(ACME.team_id, "C1")
    await store.admins.record(ACME.team_id, "U0ALICE0001", 0)
    assert await store.notices.claim(ACME.team_id, "welcome", 0)
    again = replace(ACME, bot_token=Secret("xoxb-new"), enterprise_id="E0GRID00001", team_name="Acme Inc.")
    assert await store.rows.save(replace(again, installed_by="U0BOB000001"))
    assert await store.rows.find(ACME.team_id) == Workspace(
        "T0HOME00001",
        Secret("xoxb-new"),
        KEY,
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
    summary = await store.rows.summary(ACME.team_id)
    assert summary == Summary(
        team_id="T0HOME00001",
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
        return sum(isinstance(one, Workspace) and one.bot_token == token for one in gc.get_objects())

    await store.rows.save(replace(ACME, bot_token=token))
    assert await store.rows.find(ACME.team_id) is not None
    assert kept() == 1
    assert await store.rows.delete(ACME.team_id)
    assert await store.rows.find(ACME.team_id) is None
    assert kept() == 0


async def test_alerts_have_a_token_and_a_channel_each_set_and_taken_away_alone(store: Store) -> None:
    for one in (ACME, GLOBEX):
        await store.rows.save(one)

    async def alerts() -> tuple[str | None, str | None]:
        found = await store.rows.find(ACME.team_id)
        assert found
        return found.alerts_token_digest, found.alerts_channel

    assert await store.rows.set_alerts_token(ACME.team_id, "d1")
    assert await alerts() == ("d1", None)
    assert await store.rows.set_alerts_channel(ACME.team_id, "C1")
    assert await store.rows.set_alerts_token(ACME.team_id, "d2")
    assert await alerts() == ("d2", "C1")
    assert await store.rows.find(ACME.team_id) is await store.rows.find(ACME.team_id)  # not decrypted again
    other = await store.rows.find(GLOBEX.team_id)
    assert other
    assert (other.alerts_token_digest, other.alerts_channel) == (None, None)
    assert not await store.rows.set_alerts_token("T0NOBODY001", "d3")
    assert not await store.rows.set_alerts_channel("T0NOBODY001", "C3")


async def test_a_workspace_that_is_deleted_leaves_nothing(store: Store) -> None:
    await store.rows.save(ACME)
    await store.rows.save(GLOBEX)
    assert [one.team_id for one in await store.rows.summaries()] == ["T0GLOBEX001", "T0HOME00001"]
    await store.rows.set_key(ACME.team_id, KEY)
    await keep_about(store)
    assert await store.rows.delete(ACME.team_id)
    assert not await store.rows.delete(ACME.team_id)
    assert await kept_about(store) == [GLOBEX.team_id] * 3
    assert [one.team_id for one in await store.rows.summaries()] == ["T0GLOBEX001"]
    assert await store.rows.summary(ACME.team_id) is None
    assert not await store.rows.save(ACME), "the key came back"


@pytest.mark.parametrize(
    ("happened", "bots", "stays"),
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
    store: Store, happened: int, bots: tuple[str, ...] | None, stays: bool
) -> None:
    await store.rows.save(ACME)
    await store.rows.save(GLOBEX)
    await keep_about(store)
    uninstall = Uninstall(ACME.team_id, ACME.installed_at + happened, bots)
    assert await store.rows.delete_uninstalled(uninstall) is not stays
    assert (await store.rows.find(ACME.team_id) is not None) is stays
    assert await kept_about(store) == ([ACME.team_id] * 3 if stays else []) + [GLOBEX.team_id] * 3
    assert await store.rows.find(GLOBEX.team_id) is not None
    assert not await store.rows.delete_uninstalled(uninstall)


async def test_no_secret_stands_in_a_row(store: Store) -> None:
    await store.rows.save(ACME)
    await store.rows.set_key(ACME.team_id, KEY)
    await store.rows.set_policy(ACME.team_id, POLICY, if_version=0)
    (row,) = await store.database.fetch_all(select(workspaces))
    assert [secret for secret in ("xoxb", "sk-of-acme") if secret in str(tuple(row))] == []


@pytest.mark.parametrize(
    ("taken", "put"),
    [("bot_token", "bot_token"), ("anchor_api_key", "anchor_api_key"), ("bot_token", "anchor_api_key")],
)
async def test_a_ciphertext_in_another_place_does_not_decrypt(store: Store, taken: str, put: str) -> None:
    for one in (ACME, GLOBEX):
        await store.rows.save(one)
        await store.rows.set_key(one.team_id, AnchorKey(Secret(f"sk-of-{one.team_id}")))
    theirs = select(workspaces.c[taken]).where(workspaces.c.team_id == ACME.team_id).scalar_subquery()
    await store.database.execute(update(workspaces).where(workspaces.c.team_id == GLOBEX.team_id).values({put: theirs}))
    with pytest.raises(UnreadableError, match=f"{put} of T0GLOBEX001"):
        await store.rows.find(GLOBEX.team_id)
    assert await store.rows.find(ACME.team_id) is not None


async def test_changes_at_the_same_moment_all_happen(store: Store) -> None:
    teams = [replace(ACME, team_id=f"T0TEAM{number:05}") for number in range(20)]
    await asyncio.gather(*(store.rows.save(team) for team in teams))
    keys = [store.rows.set_key(team.team_id, AnchorKey(Secret(f"sk-{team.team_id}"))) for team in teams]
    assert all(await asyncio.gather(*keys))
    found = await asyncio.gather(*(store.rows.find(team.team_id) for team in teams))
    assert [one and one.anchor_key for one in found] == [AnchorKey(Secret(f"sk-{team.team_id}")) for team in teams]
