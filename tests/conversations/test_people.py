"""A person is forgotten beside a running bot, and what is stored of them is printed."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from bot.core.policy import Policy, Rule
from harness import HTTP_ONLY
from harness.conversation import until
from harness.many_workspaces import ManyHarness, Tenant, many_workspaces
from harness.product import main

pytestmark = [pytest.mark.anyio, HTTP_ONLY]

TOKEN = "a token of the workspace"
Says = Callable[..., Awaitable[str]]


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Says:
    """Run a command beside a bot, and return what it says."""

    async def run(at: ManyHarness, *arguments: str, code: int = 0) -> str:
        for name in ("DATABASE_URL", "ENCRYPTION_KEYS"):
            monkeypatch.setenv(name, at.environ[name])
        capsys.readouterr()
        assert await asyncio.to_thread(main, ["people", *arguments]) == code
        out, err = capsys.readouterr()
        return (out if code == 0 else err).strip()

    return run


async def fill(at: ManyHarness, tenant: Tenant) -> str:
    """Let a person install the app, open Home, and pause after an alert that mentions them. Return their id."""
    person = tenant.person.id
    await at.set_up(tenant)
    await at.take_alerts(tenant, TOKEN)
    text = f"<@{person}|person-1> and {person} look, not {person}9: &lt;@{person}&gt;"
    await at.post_alert(tenant.team_id, TOKEN, session_id=tenant.session, text=text)
    await tenant.command(f"{tenant.session} as <@{person}> said")
    tokens = json.dumps([{"name": "monitor", "digest": "d1", "made_by": person}])
    await at.store.database.execute("UPDATE workspaces SET anchor_api_key_set_by = :person", person=person)
    await at.store.database.execute("UPDATE workspaces SET alert_tokens = :tokens", tokens=tokens)

    async def is_told() -> bool:
        told = await at.store.database.fetch_all("SELECT told FROM orders")
        cards = await at.store.database.fetch_all("SELECT due FROM messages")
        return [row.told for row in told] == [1] and {row.due for row in cards} == {None}

    await until(is_told)
    return person


async def everything(at: ManyHarness) -> str:
    tables = ("people", "orders", "messages", "parts", "workspaces")
    rows = [await at.store.database.fetch_all(f"SELECT * FROM {table}") for table in tables]  # noqa: S608 - of this list
    return repr(rows)


async def test_nothing_names_a_person_who_was_forgotten_beside_the_bot(database_url: str, says: Says) -> None:
    async with many_workspaces(database_url) as at:
        person = await fill(at, tenant := at.add(1))
        said = await says(at, "forget", person, "--yes")
        found = await everything(at)
        assert re.findall(rf"\W{person}\b", found) == []
        assert f"{person}9" in found
        assert "person-1" not in re.sub(r"[Tt]enant-1", "", found)
        (pseudonym,) = re.findall(r"forgotten-[0-9a-f]{12}", said)
        assert f"as @{pseudonym} said" in found
        assert f"{pseudonym} and {pseudonym} look" in found
        (tokens,) = await at.store.database.fetch_all("SELECT alert_tokens, anchor_api_key_set_by FROM workspaces")
        assert json.loads(tokens[0]) == [{"name": "monitor", "digest": "d1", "made_by": pseudonym}]
        assert tokens[1] == pseudonym
        assert await says(at, "forget", person, "--yes") == f"Nothing is stored of {person}."
        await tenant.command(verb="resume")  # the bot goes on, and records them again
        assert f"<@{person}>" in tenant.answers()[-1].text


async def test_a_person_whom_permissions_name_is_not_forgotten(
    database_url: str, says: Says, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with many_workspaces(database_url) as at:
        person = await fill(at, tenant := at.add(1))
        policy = Policy(resume=Rule(users=frozenset({person})), pause_many=frozenset({person}))
        assert await at.store.rows.set_policy(
            tenant.team_id, policy, if_version=await at.policy_version(tenant.team_id)
        )
        monkeypatch.setenv("PAUSE_USERS", person)
        before = await everything(at)
        said = await says(at, "forget", person, "--yes", code=2)
        assert f"PAUSE_USERS; resume in {tenant.team_id} Tenant-1; pause many at once in {tenant.team_id}" in said
        assert await everything(at) == before
        monkeypatch.delenv("PAUSE_USERS")
        await says(at, "forget", person, "--yes", "--workspace", "T0ELSE", code=0)
        assert await everything(at) == before


async def test_it_changes_nothing_while_an_order_of_the_person_is_not_finished(sqlite_url: str, says: Says) -> None:
    async with many_workspaces(sqlite_url, ack_wait=0.0) as at:
        person = await fill(at, tenant := at.add(1))
        at.anchor.session(tenant.session).seconds = 5.0
        before = len(at.anchor.orders)
        await tenant.command(tenant.session)
        await at.anchor.until(lambda: len(at.anchor.orders) > before)
        assert "are not finished, nothing was changed" in await says(at, "forget", person, "--yes", code=1)
        assert f"as @{person} said" in await everything(at)
        unfinished = "SELECT id FROM orders WHERE state <> 'settled' OR told = 0"

        async def is_told() -> bool:
            return not await at.store.database.fetch_all(unfinished)

        await until(is_told)
        await says(at, "forget", person, "--yes")
        assert re.findall(rf"\W{person}\b", await everything(at)) == []


async def test_what_is_stored_of_a_person_is_printed_without_secrets(database_url: str, says: Says) -> None:
    async with many_workspaces(database_url) as at:
        person = await fill(at, tenant := at.add(1))
        policy, version = Policy(resume=Rule(users=frozenset({person}))), await at.policy_version(tenant.team_id)
        assert await at.store.rows.set_policy(tenant.team_id, policy, if_version=version)
        exported = await says(at, "export", person)
        assert "gAAAA" not in exported, "there is no ciphertext"
        rows: list[dict[str, Any]] = [json.loads(line) for line in exported.splitlines()]
        by_table = {row["table"]: row for row in rows}
        assert by_table.keys() - {"audit", "audit_people"} == {"people", "orders", "parts", "workspaces"}
        order, card, workspace = (by_table[table] for table in ("orders", "parts", "workspaces"))
        assert order["reason"] == f"as @{person} said"
        assert order["given_at"].endswith("Z")
        assert card["content"]["alert"]["text"].startswith(f"<@{person}|person-1>")
        assert workspace == {
            "table": "workspaces",
            "team_id": tenant.team_id,
            "installed_by": workspace["installed_by"],
            "anchor_api_key_set_by": person,
            "alert_tokens": ["monitor"],
            "policy": ["resume"],
        }
        assert await says(at, "export", "U0NOBODY") == "{}"
