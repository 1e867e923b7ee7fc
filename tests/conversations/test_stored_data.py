"""What is stored: the journal, the data of people and workspaces, and a damaged database."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from bot.core.permissions import Policy, Rule
from bot.demo.sandbox import environment
from bot.outbound.store.schema import TABLES
from bot.sim.anchor import Hang, unauthorized
from conversations.test_operation import becomes
from harness import BOTH_TRANSPORTS, BY_BOTH, HTTP_ONLY, SESSION, paused, single_workspace
from harness.bots import ManyHarness, Tenant, many_workspaces, remains
from harness.conversation import Conversation, until
from harness.databases import KEY
from harness.outages import execute
from harness.product import Secret, main, open_store


async def read(url: str, count: int) -> list[Any]:
    """Read the journal as another process does, until so many orders are told."""
    found: list[Any] = []

    async def is_read() -> object:
        found[:] = await store.database.fetch_all("SELECT * FROM orders ORDER BY given_at")
        return len(found) == count and all(one.told_at for one in found)

    async with open_store(Secret(url), [KEY], keys_must_fit=False) as store:
        await until(is_read)
    return found


@BOTH_TRANSPORTS
@pytest.mark.parametrize("by", [*BY_BOTH, "a shortcut"])
async def test_each_order_is_recorded_with_who_where_and_how_it_ended(sqlite_url: str, by: str) -> None:
    async with single_workspace(DATABASE_URL=sqlite_url) as at:
        await at.answer(by)
        at.anchor.fault = unauthorized()
        await at.answer(by, at.slack.bob, channel=at.slack.private)
        await at.answer(by, at.slack.guest)
        if by == "a click":
            await at.answer(by, at.slack.outsider)
    found = await read(sqlite_url, 4 if by == "a click" else 3)  # the end of the bot loses nothing
    people = [(one.user_id, one.channel_id, one.home_team_id, one.outcome) for one in found]
    own = at.workspace.team_id
    assert people[:3] == [
        (at.person.id, at.channel.id, own, "Paused"),
        (at.slack.bob.id, at.slack.private.id, own, "KeyRejected"),
        (at.slack.guest.id, at.channel.id, own, "NotMember"),
    ]
    assert people[3:] in ([], [(at.slack.outsider.id, at.channel.id, at.slack.outsider.team_id, "NotMember")])
    source, routes = {
        "a command": ("command", ["ack"] * 3),
        "a click": ("button", ["response_url"] * 4),
        "a shortcut": ("shortcut", ["channel", "response_url", "response_url"]),
    }[by]
    assert [one.delivered_by for one in found] == routes
    for one in found:
        assert (one.team_id, one.session_id, one.verb, one.source) == (own, SESSION, "pause", source)
        times = sorted([one.given_at, one.settled_at, one.told_at])  # each transaction asks the clock by itself
        assert (one.state, one.told) == ("settled", 1)
        assert times == pytest.approx([one.given_at, one.settled_at, one.told_at], abs=0.05)


@pytest.mark.parametrize("channel", ["", "C0ALERTS001"])
async def test_a_pause_of_a_killed_command_is_sent_and_told_without_its_reason(database_url: str, channel: str) -> None:
    async with remains(database_url, ALERTS_CHANNEL=channel) as left:
        await left.leave_pause("command line")
        async with left.restart():
            (one,) = await read(database_url, 1)
            await until(lambda: len(left.messages()) >= bool(channel))
        assert [order.verb for order in left.orders] == ["pause"]
        assert (len(left.messages()), left.calls("chat.postMessage")) == (bool(channel),) * 2
        assert "it loops" not in str(left.messages())
    assert (one.user_id, one.outcome, one.delivered_by) == ("os:root", "Paused", "nobody")  # the channel has a card


Says = Callable[..., Awaitable[str]]


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Says:
    """Run a command beside a bot with these settings, and return what it says: on stderr if that is all."""

    async def run(environ: Mapping[str, str], *arguments: str, code: int = 0) -> str:
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        capsys.readouterr()
        assert await asyncio.to_thread(main, arguments) == code
        out, err = capsys.readouterr()
        return (out or err).strip()

    return run


def settings(at: Conversation, url: str) -> Mapping[str, str]:
    return environment(at.slack, at.anchor, DATABASE_URL=url, ENCRYPTION_KEYS=KEY.reveal())


async def test_what_was_changed_in_the_database_is_found_beside_the_bot(sqlite_url: str, says: Says) -> None:
    async with single_workspace(DATABASE_URL=sqlite_url, ENCRYPTION_KEYS=KEY.reveal()) as at:
        for verb in ("pause", "resume", "pause"):
            await at.command(verb=verb)
        await asyncio.sleep(20.0)
        assert "whole: 3 rows" in await says(settings(at, sqlite_url), "journal", "--verify")
        await execute(sqlite_url, "UPDATE orders SET user_id = 'U0MALLORY01' WHERE verb = 'resume'")
        assert "Row 2 of T0HOME00001" in await says(settings(at, sqlite_url), "journal", "--verify", code=1)
        await execute(sqlite_url, "UPDATE audit SET team_id = 'T' || char(10) || 'The audit trail is whole'")
        assert "\nThe audit trail is whole" not in await says(settings(at, sqlite_url), "journal", "--verify", code=1)
        await execute(sqlite_url, "DROP TABLE audit")
        for url in (sqlite_url, "sqlite://", "sqlite:///nowhere.db", "postgresql://x@127.0.0.1:1/none"):
            await says(settings(at, url), "journal", "--verify", code=2)  # 1 says that it was changed


@HTTP_ONLY
async def test_a_gap_is_an_error_at_a_start_and_a_line_in_home_until_an_operator_acknowledges_it(
    sqlite_url: str, says: Says, caplog: pytest.LogCaptureFixture
) -> None:
    async def shows_a_gap(at: Conversation) -> bool:
        before = at.calls("views.publish")
        await at.slack.open_home(at.slack.alice)
        await at.slack.until(lambda: at.calls("views.publish") > before)
        return "`anchor-bot journal --verify`" in str(at.slack.home_of(at.slack.alice))

    def errors() -> list[str]:
        return [record.message for record in caplog.records if record.levelname == "ERROR"]

    async with remains(sqlite_url) as left:
        async with left.restart() as at:
            for verb in ("pause", "resume"):
                await at.command(verb=verb)
            await asyncio.sleep(20.0)
            assert not await shows_a_gap(at)
        await execute(sqlite_url, "DELETE FROM orders WHERE verb = 'resume'", "DELETE FROM audit WHERE place = 2")
        assert errors() == []
        async with left.restart() as at:
            await at.command()
            await asyncio.sleep(20.0)
            assert await shows_a_gap(at)
            assert len(errors()) == 1
            assert "its last row was 2" in await says(settings(at, sqlite_url), "journal", "--verify", code=1)
            assert "whole: 2 rows" in await says(settings(at, sqlite_url), "journal", "--acknowledge")
            await asyncio.sleep(20.0)
            assert "acknowledged a gap: its last row was 2" in await says(
                settings(at, sqlite_url), "journal", "--verify"
            )
            assert not await shows_a_gap(at)
        async with left.restart() as at:
            await asyncio.sleep(1.0)
            assert not await shows_a_gap(at)


TOKEN = "a token of the workspace"


async def fill(at: ManyHarness, tenant: Tenant) -> str:
    """Let a person install the app, open Home, and pause after an alert that mentions them. Return their id."""
    person = tenant.person.id
    await at.set_up(tenant)
    await at.take_alerts(tenant, TOKEN)
    at.anchor.read_fault = Hang()  # what is read of the session later would change its card
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
    return re.sub(r"read_at=[\d.]+", "read_at=None", repr(rows))  # the bot goes on reading sessions


@HTTP_ONLY
async def test_nothing_names_a_person_who_was_forgotten_beside_the_bot(database_url: str, says: Says) -> None:
    async with many_workspaces(database_url) as at:
        person = await fill(at, tenant := at.add(1))
        said = await says(at.environ, "people", "forget", person, "--yes")
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
        assert await says(at.environ, "people", "forget", person, "--yes") == f"Nothing is stored of {person}."
        await tenant.command(verb="resume")  # the bot goes on, and records them again
        assert f"<@{person}>" in tenant.answers()[-1].text


@HTTP_ONLY
async def test_a_person_whom_permissions_name_is_not_forgotten(database_url: str, says: Says) -> None:
    async with many_workspaces(database_url) as at:
        person = await fill(at, tenant := at.add(1))
        policy = Policy(resume=Rule(users=frozenset({person})), pause_several=frozenset({person}))
        assert await at.store.rows.set_policy(tenant.team_id, policy, if_version=(await tenant.stored()).policy_version)
        before = await everything(at)
        said = await says(at.environ, "people", "forget", person, "--yes", code=2)
        assert f"permissions: resume in {tenant.team_id} Tenant-1; pause several at once in {tenant.team_id}" in said
        assert await everything(at) == before
        await says(at.environ, "people", "forget", person, "--yes", "--workspace", "T0ELSE", code=0)
        assert await everything(at) == before


@HTTP_ONLY
async def test_it_changes_nothing_while_an_order_of_the_person_is_not_finished(sqlite_url: str, says: Says) -> None:
    async with many_workspaces(sqlite_url, ack_wait=0.0) as at:
        person = await fill(at, tenant := at.add(1))
        at.anchor.session(tenant.session).seconds = 5.0
        before = len(at.anchor.orders)
        await tenant.command(tenant.session)
        await at.anchor.until(lambda: len(at.anchor.orders) > before)
        assert "are not finished, nothing was changed" in await says(
            at.environ, "people", "forget", person, "--yes", code=1
        )
        assert f"as @{person} said" in await everything(at)
        unfinished = "SELECT id FROM orders WHERE state <> 'settled' OR told = 0"

        async def is_told() -> bool:
            return not await at.store.database.fetch_all(unfinished)

        await until(is_told)
        await says(at.environ, "people", "forget", person, "--yes")
        assert re.findall(rf"\W{person}\b", await everything(at)) == []


def found(directory: Path, texts: tuple[str, ...]) -> dict[str, list[str]]:
    """Return which of the texts are in which files."""
    contents = {path.name: path.read_bytes() for path in sorted(directory.iterdir())}
    having = {name: [text for text in texts if text.encode() in content] for name, content in contents.items()}
    return {name: texts for name, texts in having.items() if texts}


NEEDED = {"orders", "audit", "workspaces", "messages", "parts"}
"""The tables without which no order is recorded. Without `leases` none is once the lease has to be renewed."""


async def pause_five(tenant: Tenant, recorded: set[bool]) -> None:
    sessions = [tenant.anchor.add_session(key=tenant.key) for _ in range(5)]
    given = await asyncio.gather(*map(tenant.command, sessions))
    told = [one.ack and one.ack.text for one in given]
    user = tenant.person.id
    for session, text in zip(sessions, told, strict=True):
        assert text in [paused(session=session, user=user, is_recorded=one) for one in recorded]


async def test_pauses_go_on_without_any_one_table(sqlite_url: str, caplog: pytest.LogCaptureFixture) -> None:
    url = sqlite_url
    async with many_workspaces(url) as at:
        tenant = await at.set_up(at.add(1))
        await tenant.command()  # which brings the workspace into memory
        for table in TABLES:
            await execute(url, f"ALTER TABLE {table} RENAME TO elsewhere")
            await pause_five(tenant, {table not in NEEDED, table not in {*NEEDED, "leases"}})
            if table in NEEDED:
                await becomes(at, {"journal"})
            await execute(url, f"ALTER TABLE elsewhere RENAME TO {table}")
            await becomes(at, set())
    logged = [record.exc_info for record in caplog.records if record.message == "database fails"]
    assert [str(info[1]) for info in logged if info] == ["SQLITE_ERROR"]
