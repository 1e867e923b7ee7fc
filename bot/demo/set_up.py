"""Set up a workspace of the demo: install the app by Slack's consent page, and write its settings into the database."""

import secrets
import time

import aiohttp

from bot.core.alert_tokens import TOKEN_BYTES, new_alert_token
from bot.core.fields import Secret
from bot.core.workspace import AnchorKey
from bot.outbound.store.store import Store
from bot.sim.slack import User, Workspace


async def install(bot_url: str, workspace: Workspace, by: User) -> None:
    """Go to the bot, to Slack and back, as the browser of this person does."""
    cookies = aiohttp.CookieJar(unsafe=True)  # for a host without a name
    async with aiohttp.ClientSession(cookie_jar=cookies, raise_for_status=True) as browser:
        async with browser.get(f"{bot_url}/slack/install") as consent:
            allowed = {"decision": "allow", "team": workspace.team_id, "user": by.id}
        async with browser.post(consent.url, data=allowed):
            pass


async def configure(store: Store, team_id: str, key: str, channel: str, *, sender: str = "default") -> str:
    """Give a workspace its key and its channel for alerts, as an operator does, and return a token for alerts.

    Its alerts can ask for a pause.
    """
    secret, token = new_alert_token(secrets.token_urlsafe(TOKEN_BYTES), sender, None, time.time(), may_pause=True)
    await store.rows.set_key(team_id, AnchorKey(Secret(key), set_at=int(time.time())))
    await store.rows.set_alerts_channel(team_id, channel)
    workspace = await store.rows.find(team_id)
    if workspace is not None:
        await store.rows.set_alert_tokens(team_id, [token], if_version=workspace.alerts_token_version)
    return secret.reveal()
