"""The bot of the demo serves two workspaces: Acme, which is set up, and Newco, which has the app and no key."""

import pytest

from bot.demo.monitor import AlertsEndpoint
from bot.demo.newco import NEWCO_KEY
from bot.demo.sandbox import Sandbox, open_sandbox
from bot.demo.set_up import configure
from bot.sim.anchor import DEFAULT_KEY, SessionState
from bot.sim.slack import Channel, User

pytestmark = pytest.mark.anyio


async def pause(sandbox: Sandbox, who: User, where: Channel, key: str) -> SessionState:
    """Let somebody pause a new session of this key's, and return its state then."""
    session_id = sandbox.anchor.add_session(key=key)
    await sandbox.slack.command(who, where, session_id)
    return sandbox.anchor.session(session_id).state


async def test_one_workspace_has_a_key_and_the_other_can_be_given_one_which_is_kept_and_not_logged() -> None:
    async with open_sandbox({}) as sandbox:
        new = sandbox.newco
        assert new.workspace.installation.refusal is None
        assert await pause(sandbox, sandbox.slack.bob, sandbox.slack.incidents, DEFAULT_KEY) is SessionState.PAUSED
        assert await pause(sandbox, new.dora, new.general, NEWCO_KEY) is SessionState.RUNNING
        async with sandbox.store() as store:
            has_key = {one.team_id: one.has_key for one in await store.rows.summaries()}
            assert has_key == {"T0HOME00001": True, "T0NEWCO0001": False}
            await configure(store, new.workspace.team_id, NEWCO_KEY, new.alerts.id)
        await sandbox.bot.stop()
        sandbox.slack.socket_mode = True
        await sandbox.start_bot()
        assert await pause(sandbox, new.dora, new.alerts, NEWCO_KEY) is SessionState.PAUSED
        assert await pause(sandbox, sandbox.slack.alice, sandbox.slack.alerts, DEFAULT_KEY) is SessionState.PAUSED
        directory = sandbox.bot.log.parent
        assert NEWCO_KEY not in sandbox.bot.log.read_text()
    assert not directory.exists()


def test_the_token_for_alerts_is_not_printed() -> None:
    assert "secret" not in repr(AlertsEndpoint("http://127.0.0.1/alerts/T0", "secret"))
