"""What is deleted is nowhere in the files of the database, also not in the log."""

import asyncio
from pathlib import Path

import pytest

from harness import HTTP_ONLY
from harness.many_workspaces import ManyHarness, Tenant
from harness.outages import UNTIL_EMPTIED

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
