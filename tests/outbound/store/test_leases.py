"""The lease of each process, and of the one that leads: by the database's clock, trusted for less than it lasts."""

import time

import pytest

from bot.outbound.store.outbox import MessageRows
from bot.outbound.store.writer import Writer
from bot.runtime import Readiness
from bot.usecases.outbox import Outbox
from harness.order_rows import LEADER, LEASE, Lease
from harness.product import Store
from harness.stored import execute, fetch


async def renew(store: Store, lease: Lease) -> int | None:
    """Renew a lease. Return the term for which its process leads."""
    began = time.monotonic()
    term = await store.database.change(lambda connection: lease.renew(connection)())
    lease.renewed(began, term)
    return lease.term


async def pass_by(store: Store, lease: Lease, seconds: float) -> None:
    """Let so many seconds pass for the database and for a process."""
    await execute(store, "UPDATE leases SET until = until - :seconds", seconds=seconds)
    forget(lease, seconds)


def forget(lease: Lease, seconds: float) -> None:
    lease.renewed(time.monotonic() - seconds, lease.term)


async def test_one_process_leads_until_its_lease_has_ended(store: Store) -> None:
    first, second = Lease("one"), Lease("two")
    assert [await renew(store, one) for one in (first, second, first, second)] == [1, None, 1, None]
    await pass_by(store, first, LEASE - 1)
    assert (first.term, await renew(store, second)) == (None, None)
    await pass_by(store, first, 1.5)
    assert [await renew(store, one) for one in (second, first)] == [2, None]


@pytest.mark.parametrize("which", ["its trust ended while it renewed", "it left the lead", "a renewal gave no lead"])
async def test_a_term_never_goes_on_after_a_break(store: Store, which: str) -> None:
    lease, other = Lease("one", away=0.0), Lease("two")  # which does not take it
    assert [await renew(store, one) for one in (lease, other)] == [1, None]
    if which == "its trust ended while it renewed":
        forget(lease, 0.71 * LEASE)
        lease.renewed(time.monotonic(), 1)  # it was sure of its term as that began
    elif which == "it left the lead":
        assert await store.database.change(lease.yield_lead)
    else:
        lease.renewed(time.monotonic(), None)
    assert (lease.term, await renew(store, lease)) == (None, 2)


async def test_a_renewal_counts_from_before_it_began(store: Store) -> None:
    lease = Lease("one")
    term = await store.database.change(lambda connection: lease.renew(connection)())
    lease.renewed(time.monotonic() - 0.71 * LEASE, term)
    assert (term, lease.is_held, lease.term) == (1, False, None)


async def test_another_process_leads_at_once_after_a_clean_stop(store: Store) -> None:
    first, second = Lease("one"), Lease("two")
    await renew(store, first)
    await renew(store, second)
    await store.database.change(first.leave)
    assert (first.is_held, second.due_in() > 0) == (False, True)
    Outbox(MessageRows(store.database, Writer(store.database, None, Readiness())), second).hear(LEADER)
    assert (second.due_in(), await renew(store, second)) == (0, 2)
    assert await fetch(store, "SELECT name FROM leases WHERE name = 'one'") == []


async def test_a_command_lives_and_does_not_lead(store: Store) -> None:
    command = Lease("command", can_lead=False)
    assert (await renew(store, command), command.is_held) == (None, True)
    assert await fetch(store, "SELECT name FROM leases") == [("command",)]
