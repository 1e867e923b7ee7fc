"""Installations that were begun end once, where they began, in time."""

import asyncio

import pytest

from bot.outbound.store.installs import InstallStates, PendingInstall
from harness.databases import KEY, OTHER_KEY
from harness.product import Secret, Store
from harness.stored import NOW, fetch

pytestmark = pytest.mark.anyio


async def end(store: Store, begun: PendingInstall, *, after: float = 1.0, browser: str | None = None) -> bool:
    """End an installation; return whether that could be."""
    own = begun.browser_nonce.reveal() if browser is None else browser
    return await store.install_states.end(begun.state.reveal(), own, now=NOW + after)


def texts(begun: PendingInstall) -> tuple[str, str]:
    return begun.state.reveal(), begun.browser_nonce.reveal()


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


async def test_while_the_key_is_rotated_it_ends_with_the_new_keys_and_with_the_old_ones(store: Store) -> None:
    old, new = store.install_states, InstallStates(store.database, [OTHER_KEY, KEY])
    assert await new.end(*texts(old.begin(now=NOW)), now=NOW)
    assert not await end(store, new.begin(now=NOW))


async def test_it_can_not_be_guessed_nor_read_from_the_database(store: Store) -> None:
    begun = [store.install_states.begin(now=NOW) for _ in range(20)]
    assert [await end(store, one) for one in begun] == [True] * 20
    secrets = [text for one in begun for text in texts(one)]
    assert len(set(secrets)) == 40
    assert min(map(len, secrets)) >= 43  # 32 bytes of chance
    store.install_states.begin(now=NOW)  # of which no row is written before it ends
    stored = str(rows := await fetch(store, "SELECT * FROM marks WHERE scope = 'install'"))
    assert [text for text in secrets if text in stored] == []
    assert len(rows) == 20
    await end(store, store.install_states.begin(now=NOW + 20_000), after=20_000)
    assert len(await fetch(store, "SELECT * FROM marks WHERE scope = 'install'")) == 1, "those of long ago are deleted"
