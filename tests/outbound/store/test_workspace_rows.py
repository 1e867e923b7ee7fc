"""The rows of workspaces and people: installed, changed, removed and forgotten."""

import time
from dataclasses import replace

import pytest

from bot.core.alert_tokens import AlertToken
from bot.outbound.store.people import Person
from harness.order_rows import order_row, rows_of
from harness.product import Secret, Store, errors, permissions
from harness.product import workspace as product
from harness.stored import ACME, ANCHOR_KEY, DAY, GLOBEX, NOW, POLICY, execute, fetch

NOBODY = "T0NOBODY001"
BOB = permissions.Profile(ACME.team_id, "E1", frozenset({"T1", "T2"}), is_admin=True, is_restricted=True)
STRANGER = permissions.Profile("", is_restricted=True, is_stranger=True)
OTHER = product.AnchorKey(Secret("sk-other"))
TOKENS = (AlertToken("default", "d1"), AlertToken("spend-monitor", "d2", "wxyz", "U2", 7, frozenset({"C2"})))


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
    """A notice, an order and a role of either workspace."""
    for one in (ACME, GLOBEX):
        await rows_of(store).write(order_row(team=one.team_id))
        assert await store.notices.claim(one.team_id, "welcome")
        await store.people.record(one.team_id, "U1", BOB, NOW)


async def kept_about(store: Store) -> list[str]:
    marks = "SELECT scope FROM marks WHERE name = 'notice welcome'"
    rows = await fetch(store, f"SELECT team_id FROM people UNION ALL SELECT team_id FROM orders UNION ALL {marks}")  # noqa: S608
    return sorted((team for (team,) in rows), reverse=True)


async def test_installing_again_keeps_what_is_the_workspaces_own(store: Store) -> None:
    assert await store.rows.find(ACME.team_id) is None
    assert not await store.rows.save(ACME)
    assert [await store.rows.find(other) for other in ("t0home00001", "T0GLOBEX001", "")] == [None] * 3
    await store.rows.set_key(ACME.team_id, ANCHOR_KEY)
    await store.rows.set_policy(ACME.team_id, POLICY, if_version=0)
    assert await store.rows.set_alert_tokens(ACME.team_id, TOKENS, if_version=0)
    await store.rows.set_alerts_channel(ACME.team_id, "C1")
    await store.people.record(ACME.team_id, "U0ALICE0001", BOB, NOW)
    await store.people.record(ACME.team_id, "U0BOB000001", STRANGER, NOW)
    assert await store.notices.claim(ACME.team_id, "welcome")
    again = replace(ACME, bot_token=Secret("xoxb-new"), enterprise_id="E0GRID00001", team_name="Acme Inc.")
    assert await store.rows.save(replace(again, installed_by="U0BOB000001"))
    assert await acme(store) == product.Workspace(
        ACME.team_id,
        Secret("xoxb-new"),
        ANCHOR_KEY,
        policy=POLICY,
        alert_tokens=TOKENS,
        alerts_channel="C1",
        key_version=1,
        policy_version=1,
        alerts_token_version=1,
        installed_by="U0BOB000001",
        enterprise_id="E0GRID00001",
        is_managed=True,
    )
    assert await store.people.admins(ACME.team_id) == ["U0ALICE0001"]
    assert not await store.notices.claim(ACME.team_id, "welcome")


@pytest.mark.parametrize(
    ("after", "bots", "stays"),
    [
        (0, (), False),
        (-1, (), True),
        (60, ("U0OTHERBOT1", "U0ANCHORBOT"), False),
        (60, ("U0OTHERBOT1",), True),
        (-1, ("U0ANCHORBOT",), True),
    ],
)
async def test_a_departure_ends_what_was_there_when_it_happened(
    both: Store, after: int, bots: tuple[str, ...], stays: bool
) -> None:
    await keep_about(both)
    await both.rows.set_key(ACME.team_id, ANCHOR_KEY)
    departure = (ACME.team_id, ACME.installed_at + after, bots)
    assert await both.rows.delete_uninstalled(*departure) is not stays
    assert (await both.rows.find(ACME.team_id) is not None) is stays
    await both.people.record(ACME.team_id, "U1", BOB, NOW)  # by a process that has asked Slack before
    assert await kept_about(both) == ([ACME.team_id] * 3 if stays else []) + [GLOBEX.team_id] * 3
    assert await untouched(both)
    assert not await both.rows.delete_uninstalled(*departure)
    assert [await both.rows.delete(ACME.team_id) for _ in range(2)] == [stays, False]
    assert await kept_about(both) == [GLOBEX.team_id] * 3
    assert [one.team_id for one in await both.rows.summaries()] == ["T0GLOBEX001"]
    assert not await both.rows.is_installed(ACME.team_id)
    assert not await both.rows.save(ACME), "the key came back"


# --- the version that a change replaces ---


async def test_a_key_is_changed_by_those_who_have_seen_the_last_one(both: Store) -> None:
    change = both.rows
    assert await change.set_key(ACME.team_id, ANCHOR_KEY, if_version=0)
    for stale in (0, 2):
        assert not await change.set_key(ACME.team_id, OTHER, if_version=stale)
    assert ((await acme(both)).anchor_key, (await acme(both)).key_version) == (ANCHOR_KEY, 1)
    assert await change.set_key(ACME.team_id, OTHER, if_version=1)
    assert await change.set_key(ACME.team_id, ANCHOR_KEY), "an operator changes it whatever it was"
    assert ((await acme(both)).anchor_key, (await acme(both)).key_version) == (ANCHOR_KEY, 3)
    assert not await change.set_key(NOBODY, ANCHOR_KEY, if_version=0)
    assert await untouched(both)


@pytest.mark.parametrize("column", ["bot_token", "anchor_api_key", "policy"])
async def test_what_another_workspace_or_nobody_wrote_is_unreadable(both: Store, column: str) -> None:
    for one in (ACME, GLOBEX):
        await both.rows.set_key(one.team_id, product.AnchorKey(Secret(f"sk-of-{one.team_id}")))
    theirs = "'{}'" if column == "policy" else f"(SELECT {column} FROM workspaces WHERE team_id = 'T0HOME00001')"  # noqa: S608
    await execute(both, f"UPDATE workspaces SET {column} = {theirs} WHERE team_id = 'T0GLOBEX001'")  # noqa: S608
    with pytest.raises(errors.UnreadableError, match=column):
        await both.rows.find(GLOBEX.team_id)
    await acme(both)


async def test_the_check_of_a_key_is_recorded_for_its_version_only(both: Store) -> None:
    record = both.rows.record_key_check
    await record(ACME.team_id, 0, product.KeyCheck.REFUSED)
    assert (await acme(both)).anchor_key is None
    await both.rows.set_key(ACME.team_id, OTHER)
    for version, check in ((0, OTHER.check), (2, OTHER.check), (1, product.KeyCheck.REFUSED)):
        await record(ACME.team_id, version, product.KeyCheck.REFUSED)
        assert (await acme(both)).anchor_key == replace(OTHER, check=check)
    assert await untouched(both)


# --- what Slack has reported about people ---


async def test_a_role_is_found_for_a_week(both: Store) -> None:
    assert await both.people.find(ACME.team_id, "U1", NOW) is None
    await both.people.record(ACME.team_id, "U1", BOB, NOW)
    await both.people.record(ACME.team_id, "U2", STRANGER, NOW)
    assert await both.people.find(ACME.team_id, "U1", NOW + 60) == (BOB, 60.5)
    assert await both.people.find(ACME.team_id, "U2", NOW - 60) == (STRANGER, 0.0), "a clock that was put back"
    assert await both.people.find(GLOBEX.team_id, "U1", NOW) is None
    assert await both.people.find(ACME.team_id, "U1", NOW + 7 * DAY) is None
    for profile in ('{"team_id": "T1", "teams": [], "is_new": true}', "{}", "[]", "no JSON", "[" * 9999):
        await execute(both, "UPDATE people SET profile = :profile", profile=profile)
        assert await both.people.find(ACME.team_id, "U1", NOW) is None, "another version wrote it"


ALICE = "U0ALICE0001"


@pytest.mark.parametrize(
    ("user_id", "text", "left"),
    [
        (ALICE, f"<@{ALICE}> and <@{ALICE}|alice>, not {ALICE}2 or X{ALICE}", f"x and x, not {ALICE}2 or X{ALICE}"),
        (
            ALICE,
            rf'{{"text": "<@{ALICE}|al\u00efce>", "more": "<@{ALICE}|", "a": ">"}}',
            '{"text": "x", "more": "<@x|", "a": ">"}',
        ),
        (ALICE, f"&lt;@{ALICE}&gt; ({ALICE}).", "&lt;@x&gt; (x)."),
        ("os:al", '"os:al" and `al` (command line), not os:al-b, os:al.c', '"x" and x, not os:al-b, os:al.c'),
    ],
)
def test_each_mention_is_replaced_and_nobody_elses(user_id: str, text: str, left: str) -> None:
    assert Person(user_id).replace_in(text, "x") == left


def test_texts_that_nearly_mention_somebody_take_no_longer() -> None:
    for text in (f"<@{ALICE}|", f"<@{ALICE}|a\\u00e4", ALICE, "os:al."):
        began = time.perf_counter()
        Person(ALICE).replace_in(text * 50_000, "x")
        assert time.perf_counter() - began < 2.0
