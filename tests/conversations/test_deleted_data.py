"""What is deleted is nowhere in the files of the database, also not in the log."""

import asyncio
from pathlib import Path

import pytest

from harness import HTTP_ONLY
from harness.many_workspaces import ManyHarness, Tenant, many_workspaces
from harness.outages import UNTIL_EMPTIED, read_for_long
from harness.product import main

pytestmark = [pytest.mark.anyio, HTTP_ONLY]

REASON, ALERT = "it buys llamas", "It has bought llamas for $40."


async def fill(at: ManyHarness, tenant: Tenant) -> tuple[str, ...]:
    """Let somebody pause for a reason after an alert. Return what is stored of that."""
    await at.set_up(tenant)
    await at.take_alerts(tenant, "a token of the workspace")
    await at.post_alert(tenant.team_id, "a token of the workspace", session_id=tenant.session, text=ALERT)
    await tenant.command(f"{tenant.session} {REASON}")
    await asyncio.sleep(3)  # until it is told
    return REASON, ALERT, tenant.session, tenant.person.id


def found(directory: Path, texts: tuple[str, ...]) -> dict[str, list[str]]:
    """Return which of the texts are in which files."""
    contents = {path.name: path.read_bytes() for path in sorted(directory.iterdir())}
    having = {name: [text for text in texts if text.encode() in content] for name, content in contents.items()}
    return {name: texts for name, texts in having.items() if texts}


async def test_nothing_of_a_workspace_is_left_after_it_uninstalled_the_app(at: ManyHarness, tmp_path: Path) -> None:
    leaving, staying = at.add(1), at.add(2)
    texts, others = await fill(at, leaving), await fill(at, staying)
    await at.slack.uninstall(leaving.workspace)
    await asyncio.sleep(UNTIL_EMPTIED)
    assert found(tmp_path, texts[2:]) == {}
    assert "bot.db" in found(tmp_path, others)


async def test_nothing_is_left_after_a_command_has_deleted_a_workspace_beside_an_idle_bot(
    at: ManyHarness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = await fill(at, tenant := at.add(1))
    await asyncio.sleep(UNTIL_EMPTIED)
    for name, value in at.environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    assert await asyncio.to_thread(main, ["workspaces", "delete", tenant.team_id, "--yes"]) == 0
    await asyncio.sleep(UNTIL_EMPTIED)
    assert found(tmp_path, texts) == {}


async def test_nothing_is_left_of_what_is_too_old_once_nobody_reads_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.app.INTERVAL", 300.0)
    monkeypatch.setattr("bot.outbound.store.audit.INTERVAL", 0.1)
    url = f"sqlite:///{tmp_path / 'bot.db'}"
    async with many_workspaces(url, JOURNAL_DAYS="5") as at:
        texts = await fill(at, at.add(1))
        await at.execute("UPDATE orders SET given_at = given_at - 9 * 86400, settled_at = settled_at - 9 * 86400")
        await asyncio.sleep(1.0)  # until the audit trail is chained
        await at.execute("UPDATE audit SET at = at - 9 * 86400")
        await at.execute("UPDATE messages SET changed_at = changed_at - 9 * 86400")
        await at.execute("UPDATE parts SET changed_at = changed_at - 9 * 86400")
        await at.execute("UPDATE workspaces SET installed_by = ''")
        await at.execute("UPDATE people SET seen_at = seen_at - 9 * 86400")
        async with read_for_long(url):
            await asyncio.sleep(300.0 + UNTIL_EMPTIED)
            assert "bot.db-wal" in found(tmp_path, texts)
        await asyncio.sleep(UNTIL_EMPTIED)
        assert found(tmp_path, texts) == {}
