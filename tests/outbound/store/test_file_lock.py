"""One bot at a time uses a SQLite file. Locks are between processes."""

import asyncio
import errno
import fcntl
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.outbound.store.sqlite import lock
from harness.outages import held
from harness.product import errors

pytestmark = pytest.mark.anyio

Check = Callable[[str, str], None]


async def refusal(file: Path) -> errors.StoreNotUsableError:
    with pytest.raises(errors.StoreNotUsableError) as caught:
        async with lock(file, within=0.2):
            pass
    return caught.value


async def test_a_file_in_use_is_refused_after_a_wait_and_free_as_soon_as_the_other_process_is_gone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, wording: Check
) -> None:
    async with held(tmp_path / "bot.db") as holder:
        error = await refusal(tmp_path / "bot.db")
        assert isinstance(error, errors.StoreDownError)
        wording("in use", str(error).replace(str(tmp_path), "DIRECTORY"))
        caplog.clear()
        asyncio.get_running_loop().call_later(0.3, holder.kill)
        async with lock(tmp_path / "bot.db", within=20):
            assert await holder.wait()
    assert [record.levelname for record in caplog.records] == ["WARNING"]


async def test_a_file_that_can_not_be_locked_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wording: Check
) -> None:
    wording("no directory", str(await refusal(tmp_path / "gone/bot.db")).replace(str(tmp_path), "DIRECTORY"))

    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "lockf", no_locks)  # as a network file system does
    error = await refusal(tmp_path / "bot.db")
    assert not isinstance(error, errors.StoreDownError)
    wording("no locks", str(error).replace(str(tmp_path), "DIRECTORY"))
