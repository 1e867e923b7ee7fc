"""A command costs no more in a deployment of many workspaces than in one of one. Counted, not timed."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Engine, event, insert

from bot.core.secret import Secret
from bot.core.workspace import AnchorKey, KeyCheck
from bot.outbound.store.fields import FieldRef
from bot.outbound.store.schema import workspaces
from harness.many_workspaces import ManyHarness, Tenant, many_workspaces

pytestmark = pytest.mark.anyio

MANY = 1_000


@contextmanager
def statements() -> Iterator[list[str]]:
    """Collect the statements about workspaces of any engine of the process; those of the journal come in batches."""
    sent: list[str] = []

    def note(_: object, __: object, statement: str, *___: object) -> None:
        if "workspaces" in statement:
            sent.append(statement.split(maxsplit=1)[0])

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(Engine, "before_cursor_execute", note)


async def fill(at: ManyHarness, count: int) -> None:
    """As many workspaces as that, put into the database directly. Nobody decrypts their tokens."""
    token = at.store.cipher.encrypt(Secret("xoxb-1"), FieldRef("T0CROWD", "bot_token"))
    rows = [
        {
            "team_id": f"T0CROWD{number:06}",
            "team_name": "Crowd",
            "app_id": "A0ANCHOR001",
            "bot_user_id": "U0ANCHORBOT",
            "bot_token": token,
            "scopes": "commands",
            "installed_by": "U1",
            "installed_at": 1_785_000_000,
        }
        for number in range(count)
    ]
    async with at.store.database.transaction() as connection:
        await connection.execute(insert(workspaces), rows)


async def cost(at: ManyHarness, tenant: Tenant) -> tuple[list[str], list[str], int]:
    """The statements of a first command and of a second one, and the calls to Slack of both."""
    calls, orders = len(at.slack.api_calls), len(tenant.orders)
    with statements() as first:
        await tenant.command()
    with statements() as second:
        await tenant.command()
    assert len(tenant.orders) == orders + 2
    return first, second, len(at.slack.api_calls) - calls


@pytest.mark.slow
async def test_a_command_costs_the_same_in_a_deployment_of_a_thousand(database_url: str) -> None:
    async with many_workspaces(database_url) as at:
        tenant = await at.set_up(at.add(1))
        key = AnchorKey(Secret(tenant.key), KeyCheck.VERIFIED)
        await at.store.rows.set_key(tenant.team_id, key)
        await tenant.command()  # so that Slack has said who it is that types
        alone = await cost(at, tenant)
        await fill(at, MANY - 1)
        among_many = await cost(at, tenant)
        assert len(await at.store.rows.summaries()) == MANY
    assert alone == among_many == (["SELECT"], ["SELECT"], 0)
