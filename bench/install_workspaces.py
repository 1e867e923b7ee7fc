"""Fill an empty database: `install_workspaces.py N` installs the app in N workspaces.

A program of its own, because each revision of the bot writes its own tables: that of the revision is run, and another
argument is for older ones. It reads DATABASE_URL and ENCRYPTION_KEYS, and imports nothing of `bench` but `people`.
"""

import asyncio
import os
import sys
import time
from pathlib import Path

from bot.core.fields import Secret
from bot.core.workspace import SCOPES, AnchorKey, Installation
from bot.outbound.store.store import Store, open_store

sys.path.append(str(Path(__file__).parent))
from people import anchor_key, bot_token, team_id  # type: ignore[import-not-found]


async def main(count: int) -> None:
    """Install in each workspace, and set its key."""
    keys = [Secret(key) for key in os.environ["ENCRYPTION_KEYS"].split(",")]
    async with open_store(Secret(os.environ["DATABASE_URL"]), keys) as store:
        for number in range(count):
            await _install(store, number)


async def _install(store: Store, number: int) -> None:
    installation = Installation(
        team_id=team_id(number),
        team_name=f"bench-{number}",
        enterprise_id=None,
        app_id="A0BENCH",
        bot_user_id="U0BOT",
        bot_token=Secret(bot_token(number)),
        scopes=SCOPES,
        installed_by="U0INSTALLER",
        installed_at=int(time.time()),
    )
    await store.rows.save(installation)
    await store.rows.set_key(installation.team_id, AnchorKey(Secret(anchor_key(number)), set_at=int(time.time())))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
