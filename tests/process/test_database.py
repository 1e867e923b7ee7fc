"""The database of a bot of one workspace, which has one without any setting, and pauses without."""

import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.app import running
from bot.config.settings import Settings
from bot.container import Limits
from bot.demo.sandbox import environment
from bot.outbound.store.errors import StoreInUseError
from bot.sim.anchor import SimAnchor
from bot.sim.slack import SimSlack
from harness import paused
from harness.databases import postgresql_out_of_reach
from harness.outages import held
from harness.process import bot_process, run_to_exit, single_workspace_process

pytestmark = pytest.mark.anyio

READY = (200, {"ready": True, "reasons": {}, "degraded": {}})
WITHOUT_SPACE = ("/bin/sh", "-c", 'ulimit -f 0; exec "$@"', "sh", sys.executable, "-m", "bot")
"""The command of a process that can make files and write nothing into them, as on a full disk."""


def modes(directory: Path) -> dict[str, str]:
    return {path.name: oct(stat.S_IMODE(path.stat().st_mode)) for path in directory.iterdir()}


async def test_without_settings_it_is_a_file_in_the_working_directory(tmp_path: Path) -> None:
    async with single_workspace_process({"DATABASE_URL": ""}, directory=tmp_path) as at:
        assert await at.bot.get("/readyz") == READY
        assert await at.bot.stop() == 0
    assert modes(tmp_path) == {"anchor-bot.db": "0o600", "anchor-bot.db-lock": "0o600"}
    assert at.bot.log[0]["database"] == str(tmp_path / "anchor-bot.db")


async def test_a_second_bot_waits_until_the_first_one_is_gone(tmp_path: Path) -> None:
    file = {"DATABASE_URL": f"sqlite:///{tmp_path / 'bot.db'}"}
    async with single_workspace_process(file) as at:
        environ = environment(at.slack, at.anchor, **file)
        async with bot_process(environ) as second, bot_process(environ) as third:
            for waiting in (second, third):
                await waiting.says("waiting for another bot to stop")
            assert await third.stop() == 0, "it can be stopped while it waits"
            assert await at.bot.stop() == 0
            await second.says("ready")
            assert await second.stop() == 0


async def test_a_second_bot_that_has_waited_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "bot.db"
    async with SimSlack() as slack, SimAnchor() as anchor, held(file):
        settings = Settings.from_env(environment(slack, anchor, DATABASE_URL=f"sqlite:///{file}"))
        with pytest.raises(StoreInUseError):
            async with running(settings, Limits(lock_wait=0.1)):
                pass


@pytest.mark.long
async def test_a_second_bot_ends_with_one_sentence_after_half_a_minute(tmp_path: Path) -> None:
    file = tmp_path / "bot.db"
    async with SimSlack() as slack, SimAnchor() as anchor, held(file):
        ended = await run_to_exit(environment(slack, anchor, DATABASE_URL=f"sqlite:///{file}"))
    (sentence,) = ended.sentences
    assert (ended.code, str(file) in sentence) == (1, True)


async def test_a_full_disk_does_not_keep_it_from_pausing(tmp_path: Path) -> None:
    file = {"DATABASE_URL": f"sqlite:///{tmp_path / 'bot.db'}"}
    async with single_workspace_process(file, command=WITHOUT_SPACE, covered=False) as at:
        status, body = await at.bot.get("/readyz")
        assert (status, set(body["degraded"])) == (200, {"database"})
        assert (await at.bot.logs(message="degraded", level="ERROR"))["about"] == "database"
        await at.command()
        assert await at.bot.stop() == 0
    assert [message.text for message in at.messages()] == [paused()]


async def test_a_server_that_is_down_does_not_keep_it_from_pausing(
    postgresql_urls: Iterator[str], tmp_path: Path
) -> None:
    url, link, socket = postgresql_out_of_reach(next(postgresql_urls), tmp_path)
    async with single_workspace_process({"DATABASE_URL": url}) as at:
        status, body = await at.bot.get("/readyz")
        assert (status, set(body["degraded"])) == (200, {"database"})
        await at.command()
        link.symlink_to(socket)
        await at.bot.says("recovered")
        assert await at.bot.get("/readyz") == READY
        await at.command()
        assert await at.bot.stop() == 0
    assert [message.text for message in at.messages()] == [paused()] * 2
