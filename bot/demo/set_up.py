"""How the app gets into a workspace of the demo: by Slack's consent page, and by the commands of an operator."""

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path

import aiohttp

from bot.demo.bot_process import SURROUNDINGS, BotFailedError
from bot.sim.slack import User, Workspace


async def install(bot_url: str, workspace: Workspace, by: User) -> None:
    """Go to the bot, to Slack and back, as the browser of this person does."""
    cookies = aiohttp.CookieJar(unsafe=True)  # for a host without a name
    async with aiohttp.ClientSession(cookie_jar=cookies, raise_for_status=True) as browser:
        async with browser.get(f"{bot_url}/slack/install") as consent:
            allowed = {"decision": "allow", "team": workspace.team_id, "user": by.id}
        async with browser.post(consent.url, data=allowed):
            pass


async def operate(variables: Mapping[str, str], directory: Path, *arguments: str, typed: str = "") -> str:
    """Run a command beside the bot, with the bot's variables, and return what it prints. Raises BotFailedError."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", *arguments),
        env={**SURROUNDINGS, **variables},
        cwd=directory,  # no .env is there
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    printed, complaint = await process.communicate(typed.encode())
    if process.returncode:
        raise BotFailedError(f"`anchor-bot {' '.join(arguments)}` failed:\n{complaint.decode(errors='replace')}")
    return printed.decode()
