"""scripts/validate-blocks and scripts/audit: they fail visibly if they can't do their work."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from aiohttp import web

from bot.sim.local_server import LocalServer
from scripts.message_examples import MESSAGES, VIEWS
from scripts.validate_blocks import NotValidatedError, complaints, main

ROOT = Path(__file__).parents[1]
NOWHERE = "http://127.0.0.1:1/"
ERRORS = [{"pointer": "/blocks/0", "code": "invalid", "message": "no"}]


async def found(answer: Mapping[str, object]) -> list[str]:
    """The complaints if Slack answers so to every call."""

    async def validate(_: web.Request) -> web.Response:
        return web.json_response(answer)

    async with LocalServer([web.route("*", "/api/blocks.validate", validate)]) as server:
        return await complaints(f"{server.origin}/api/")


@pytest.mark.anyio
async def test_every_message_and_view_is_validated() -> None:
    assert await found({"ok": True}) == []
    for answer in ({"ok": True, "errors": ERRORS}, {"ok": False, "error": "invalid_blocks", "errors": ERRORS}):
        lines = await found(answer)
        assert len(lines) == len(MESSAGES) + len(VIEWS)
        assert all("/blocks/0" in line for line in lines)


@pytest.mark.anyio
async def test_another_answer_is_no_verdict() -> None:
    with pytest.raises(NotValidatedError, match="unknown_method"):
        await found({"ok": False, "error": "unknown_method"})


def test_without_slack_nothing_is_validated(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(NOWHERE) == 2
    assert NOWHERE in capsys.readouterr().err


@pytest.mark.long
def test_without_packages_nothing_is_audited() -> None:
    nowhere = {"PIP_INDEX_URL": NOWHERE, "PIP_RETRIES": "0", "PIP_NO_CACHE_DIR": "1", "PIP_CONFIG_FILE": os.devnull}
    ran = subprocess.run(  # noqa: S603 - the project's own script
        [ROOT / "scripts" / "audit"], env=os.environ | nowhere, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 2
    assert ran.stderr.splitlines()[-1].startswith("scripts/audit: nothing was checked")
