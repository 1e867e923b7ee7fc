"""The bot of the demo serves two workspaces: Acme, which is set up, and Newco, which has the app and no key."""

from pathlib import Path

import pytest

from bot.demo.bot_process import BotFailedError
from bot.demo.monitor import AlertsRoad
from bot.demo.newco import NEWCO_KEY
from bot.demo.set_up import operate
from bot.demo.stage import Stage, stage
from bot.sim.anchor import DEFAULT_KEY, SessionState
from bot.sim.slack import Channel, User

pytestmark = pytest.mark.anyio


async def pause(on: Stage, who: User, where: Channel, key: str) -> tuple[SessionState, str]:
    """Let somebody pause a new session of this key's, and return what became of it, and what they read."""
    session_id = on.anchor.add_session(key=key)
    await on.slack.command(who, where, session_id)
    return on.anchor.session(session_id).state, on.slack.seen_by(who, where)[-1].text.split(":")[0]


async def test_both_are_installed_and_one_has_a_key_and_it_leaves_nothing_behind() -> None:
    async with stage({}) as on:
        new = on.newco
        assert new.workspace.installation.refusal is None
        assert await pause(on, on.slack.bob, on.slack.incidents, DEFAULT_KEY) == (SessionState.PAUSED, "⏸️ *Paused*")
        assert (await pause(on, new.dora, new.general, NEWCO_KEY))[0] is SessionState.RUNNING
        directory = on.bot.log.parent
        shown = await operate(on.variables, directory, "workspaces", "list")
        assert [line.split("  ")[:2] for line in shown.splitlines()] == [
            ["T0HOME00001", "key set"],
            ["T0NEWCO0001", "no key"],
        ]
        assert NEWCO_KEY not in on.bot.log.read_text()
    assert not directory.exists()


async def test_what_is_set_up_is_so_after_a_restart_and_by_the_other_way() -> None:
    async with stage({}) as on:
        new = on.newco
        given = f"{NEWCO_KEY}\n"
        await operate(on.variables, on.bot.log.parent, "workspaces", "set-key", new.workspace.team_id, typed=given)
        await on.bot.stop()
        on.slack.socket_mode = True
        await on.start_bot()
        assert await pause(on, new.dora, new.alerts, NEWCO_KEY) == (SessionState.PAUSED, "⏸️ *Paused*")
        assert await pause(on, on.slack.alice, on.slack.alerts, DEFAULT_KEY) == (SessionState.PAUSED, "⏸️ *Paused*")


async def test_a_command_that_fails_is_shown_with_what_it_wrote(tmp_path: Path) -> None:
    with pytest.raises(BotFailedError, match=r"`anchor-bot workspaces list` failed:\nanchor-bot: ENCRYPTION_KEYS"):
        await operate({}, tmp_path, "workspaces", "list")


def test_the_alerts_token_is_not_printed_with_the_stage() -> None:
    assert "secret" not in repr(AlertsRoad("http://127.0.0.1/alerts/T0", "secret"))
