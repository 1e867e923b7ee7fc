"""Secrets in the database: encrypted for their place, unreadable elsewhere, and under a new key."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.outbound.store.encryption import FieldCipher, FieldRef, rotate, seal, unseal
from bot.outbound.store.install_states import InstallStates, PendingInstall
from bot.outbound.store.workspaces import read_policy
from harness.databases import KEY, OTHER_CIPHER, OTHER_KEY
from harness.product import Secret, Store, errors, open_store, orders, permissions, workspace
from harness.stored import ACME, ANCHOR_KEY, NOW, execute, fetch

CIPHER = FieldCipher([KEY])
PLACE = FieldRef("T0HOME00001", "bot_token")
Check = Callable[[str, str], None]


def test_what_was_encrypted_for_another_place_is_unreadable(wording: Check) -> None:
    for other in (FieldRef("T0GLOBEX001", PLACE.column), FieldRef(PLACE.owner, "anchor_api_key")):
        with pytest.raises(errors.UnreadableError) as caught:
            CIPHER.decrypt(CIPHER.encrypt(Secret("xoxb-1"), PLACE), other)
        wording(f"another place: {other.owner} {other.column}", str(caught.value))


def test_the_same_secret_looks_different_each_time_and_never_shows() -> None:
    first, second = (CIPHER.encrypt(Secret("xoxb-1"), PLACE) for _ in range(2))
    assert first != second
    assert CIPHER.decrypt(first, PLACE) == CIPHER.decrypt(second, PLACE) == Secret("xoxb-1")
    assert "xoxb" not in first + repr(CIPHER.decrypt(first, PLACE))


OPEN: dict[str, list[str]] = {"users": [], "channels": []}
FIELDS = ["pause", "resume", "pause_several", "users", "channels", "x"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=4),
    max_leaves=8,
)


NO_POLICIES: list[object] = [
    *(None, [], {}, "pause", {"pause": OPEN}, {"pause": OPEN, "resume": OPEN, "delete": OPEN}),
    *({"pause": OPEN, "resume": {"users": []}}, {"pause": OPEN, "resume": OPEN | {"groups": ["S1"]}}),
    {"pause": OPEN, "resume": {"users": {}, "channels": []}},
    {"pause": OPEN, "resume": OPEN, "pause_several": None},
    {"pause": OPEN, "resume": OPEN, "pause_several": ["U1", 1]},
    {"pause": OPEN, "resume": {"users": ["U1", None], "channels": []}},
]


@pytest.mark.parametrize("text", ["", "x", "[" * 100_000, *map(json.dumps, NO_POLICIES)])
def test_what_is_no_policy_is_unreadable(text: str) -> None:
    with pytest.raises(errors.UnreadableError, match="policy"):
        read_policy(text)


@given(JSON)
def test_whatever_is_written_is_read_as_it_stands_or_not_at_all(value: object) -> None:
    try:
        read = read_policy(json.dumps(value))
    except errors.UnreadableError:
        return
    assert isinstance(value, dict)
    for verb, rule in (("pause", read.pause), ("resume", read.resume)):
        assert rule == permissions.Rule(frozenset(value[verb]["users"]), frozenset(value[verb]["channels"]))


ACTOR = orders.Actor("T0HOME00001", "C0ALERTS001", "U0ALICE0001", "T0HOME00001")
ADDRESS = orders.ReplyAddress(ACTOR, Secret("https://hooks.slack.com/app/1"), "1.1")
IN_VIEW = replace(ACTOR, channel_id="")


@given(st.none() | st.text(min_size=1).map(Secret), st.none() | st.text())
def test_it_comes_back_as_it_was(url: Secret | None, thread_ts: str | None) -> None:
    address = orders.ReplyAddress(ACTOR, url, thread_ts)
    assert unseal(seal(address, CIPHER, 1), IN_VIEW, CIPHER) == (address, [1])


@pytest.mark.parametrize(
    ("sealed", "actor"),
    [
        (seal(ADDRESS, CIPHER), replace(IN_VIEW, user_id="U0BOB000001")),
        (seal(ADDRESS, CIPHER), replace(IN_VIEW, team_id="T0NEWCO0001")),
        (seal(ADDRESS, OTHER_CIPHER), IN_VIEW),
        (CIPHER.encrypt(Secret("[]"), FieldRef("T0HOME00001/U0ALICE0001", "reply")), IN_VIEW),
        ("", IN_VIEW),
        ("\N{SNOWMAN}", IN_VIEW),
    ],
    ids=["another person", "another workspace", "another key", "another column", "nothing", "not ASCII"],
)
def test_it_is_of_no_use_to_anybody_else(sealed: str, actor: orders.Actor) -> None:
    assert unseal(sealed, actor, CIPHER) is None


async def refusal(url: str, key: Secret) -> str:
    with pytest.raises(errors.StoreNotUsableError) as caught:
        async with open_store(Secret(url), [key]):
            pass
    return str(caught.value)


async def test_a_key_is_needed_from_the_first_secret_until_a_rotation(
    database_url: str, wording: Callable[[str, str], None]
) -> None:
    async with open_store(Secret(database_url), [OTHER_KEY]):
        pass
    async with open_store(Secret(database_url), [KEY, OTHER_KEY]) as store:
        await store.rows.save(ACME)
        await store.rows.set_key(ACME.team_id, ANCHOR_KEY)
        await store.rows.save_ids(workspace.Workspace("T0GLOBEX001", Secret("xoxb-1"), None))  # which has no secret
    wording("wrong keys", await refusal(database_url, OTHER_KEY))
    async with open_store(Secret(database_url), [OTHER_KEY, KEY]) as store:
        assert await rotate(store.database, store.cipher) == 2
    async with open_store(Secret(database_url), [OTHER_KEY]) as store:
        found = await store.rows.find(ACME.team_id)
        assert found
        assert (found.bot_token, found.anchor_key) == (ACME.bot_token, ANCHOR_KEY)
    wording("wrong keys", await refusal(database_url, KEY))


async def test_a_rotation_that_can_not_read_everything_changes_nothing(database_url: str) -> None:
    async with open_store(Secret(database_url), [KEY]) as store:
        await store.rows.save(ACME)
        await execute(store, "UPDATE workspaces SET anchor_api_key = 'damaged'")
    async with open_store(Secret(database_url), [OTHER_KEY, KEY]) as store:
        with pytest.raises(errors.UnreadableError, match=r"anchor_api_key of T0HOME00001"):
            await rotate(store.database, store.cipher)
        await execute(store, "UPDATE workspaces SET anchor_api_key = NULL")
    async with open_store(Secret(database_url), [KEY], keys_must_fit=False) as store:
        found = await store.rows.find(ACME.team_id)
        assert found
        assert found.bot_token == ACME.bot_token


async def end(store: Store, begun: PendingInstall, *, after: float = 1.0, browser: str | None = None) -> bool:
    """End an installation; return whether that could be."""
    own = begun.browser_nonce.reveal() if browser is None else browser
    return await store.install_states.end(begun.state.reveal(), own, now=NOW + after)


async def test_it_ends_within_ten_minutes_once_of_many_ends_at_the_same_moment(store: Store) -> None:
    late = [await end(store, store.install_states.begin(now=NOW), after=seconds) for seconds in (599, 601)]
    assert late == [True, False]
    begun = store.install_states.begin(now=NOW)
    ends = await asyncio.gather(*(end(store, begun) for _ in range(10)))
    assert sorted(ends) == [False] * 9 + [True]
    assert not await end(store, begun, after=3600)


async def test_what_nobody_began_can_not_end(store: Store) -> None:
    begun = store.install_states.begin(now=NOW)
    expiry, own, signature = begun.state.reveal().split(".")
    other = store.install_states.begin(now=NOW).state.reveal().split(".")
    forged = [f"{int(expiry) + 1}.{own}.{signature}", f"{expiry}.{other[1]}.{signature}", f"{expiry}.{own}.{other[2]}"]
    others = InstallStates(store.database, [OTHER_KEY]).begin(now=NOW).state.reveal()
    odd = ("", "x", "\udcff.\ud800", "..", begun.browser_nonce.reveal(), begun.state.reveal() + "x", others)
    for state in (*odd, *forged):
        assert not await end(store, PendingInstall(Secret(state), begun.browser_nonce))


async def test_it_can_not_be_guessed_nor_read_from_the_database(store: Store) -> None:
    begun = [store.install_states.begin(now=NOW) for _ in range(20)]
    assert [await end(store, one) for one in begun] == [True] * 20
    secrets = [text for one in begun for text in (one.state.reveal(), one.browser_nonce.reveal())]
    assert len(set(secrets)) == 40
    assert min(map(len, secrets)) >= 43  # 32 bytes of chance
    store.install_states.begin(now=NOW)  # of which no row is written before it ends
    stored = str(rows := await fetch(store, "SELECT * FROM marks WHERE scope = 'install'"))
    assert [text for text in secrets if text in stored] == []
    assert len(rows) == 20
    await end(store, store.install_states.begin(now=NOW + 20_000), after=20_000)
    assert len(await fetch(store, "SELECT * FROM marks WHERE scope = 'install'")) == 1, "those of long ago are deleted"
