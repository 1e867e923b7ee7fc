"""Exchange the code that Slack sends back for an installation, and read what was granted.

https://docs.slack.dev/authentication/installing-with-oauth
"""

import asyncio
import base64
import logging
import time
from collections.abc import Mapping
from dataclasses import KW_ONLY, InitVar, dataclass
from typing import Any
from urllib.parse import urlencode, urljoin

import aiohttp
from slack_sdk.errors import SlackApiError

from bot.core.fields import SLACK_ID, Secret, object_field
from bot.core.workspace import SCOPES, Installation
from bot.messages import install
from bot.outbound.slack.web_api import TRANSPORT_ERRORS, SlackUnreachableError, call, open_web

_log = logging.getLogger(__name__)

_TIMEOUT = 10.0  # seconds; a browser waits, not Slack
_CODE_REFUSED = {"invalid_code", "code_already_used", "code_expired"}
_SILENT = install.unavailable_page(install.SLACK_SILENT)


@dataclass(eq=False, repr=False)
class SlackOAuth:
    """OAuth client of the Slack app; Slack redirects browsers back to `redirect_uri`."""

    session: InitVar[aiohttp.ClientSession]
    _: KW_ONLY
    api_url: InitVar[str]
    client_id: str
    client_secret: Secret
    redirect_uri: str

    def __post_init__(self, session: aiohttp.ClientSession, api_url: str) -> None:
        self._web = open_web(session, api_url)
        self._page = urljoin(api_url, "/oauth/v2/authorize")

    def consent_url(self, state: Secret) -> str:
        """Return the URL of Slack's consent page."""
        query = {
            "client_id": self.client_id,
            "scope": ",".join(SCOPES),
            "redirect_uri": self.redirect_uri,
            "state": state.reveal(),
        }
        return f"{self._page}?{urlencode(query)}"

    async def exchange(self, code: Secret) -> Installation | install.Page:
        """Exchange `code` (valid once, for 10 minutes) for an installation, or for the page that says why not.

        https://docs.slack.dev/reference/methods/oauth.v2.access
        """
        try:
            async with asyncio.timeout(_TIMEOUT):
                response = await self._web.api_call(
                    "oauth.v2.access",
                    data={"code": code.reveal(), "redirect_uri": self.redirect_uri},
                    headers={"Authorization": self._credentials()},
                )
        except SlackApiError as error:
            return read_refusal(getattr(error.response, "data", None))
        except TRANSPORT_ERRORS:
            return _SILENT
        return read_grant(response.data, now=time.time())

    async def revoke(self, token: Secret) -> None:
        """Revoke the token of an installation that is not kept; a failure is logged.

        https://docs.slack.dev/reference/methods/auth.revoke
        """
        try:
            await call(self._web.auth_revoke(token=token.reveal()), {})
        except SlackUnreachableError as error:
            _log.warning("token not revoked", extra={"why": str(error)})

    def _credentials(self) -> str:
        """https://www.rfc-editor.org/rfc/rfc7617; slack_sdk 3.48 makes them in a way that aiohttp warns of."""
        pair = f"{self.client_id}:{self.client_secret.reveal()}"
        return f"Basic {base64.b64encode(pair.encode()).decode()}"


def read_refusal(response: object) -> install.Page:
    """Translate Slack's error."""
    code = response.get("error") if isinstance(response, dict) else None
    if not isinstance(code, str) or not code:
        return _SILENT
    return install.BEGIN_AGAIN if code in _CODE_REFUSED else install.operator_page(code)


def read_grant(response: object, *, now: float) -> Installation | install.Page:
    """Return the grant if it suffices: one workspace, a token without rotation."""
    if not isinstance(response, dict):
        return _SILENT
    if response.get("is_enterprise_install"):
        return install.declined_page(install.ORG_WIDE)
    scopes = tuple(scope for scope in str(response.get("scope", "")).split(",") if scope)
    if "refresh_token" in response:
        return install.operator_page(install.TOKEN_ROTATES)
    return _installation(response, scopes, now) or _SILENT


def _installation(response: Mapping[str, Any], scopes: tuple[str, ...], now: float) -> Installation | None:
    team, enterprise, user = (object_field(response, name) for name in ("team", "enterprise", "authed_user"))
    token, ids = response.get("access_token"), (team.get("id"), response.get("bot_user_id"), response.get("app_id"))
    if not (isinstance(token, str) and token and all(isinstance(one, str) and SLACK_ID.fullmatch(one) for one in ids)):
        return None
    return Installation(
        team_id=team["id"],
        team_name=str(team.get("name") or team["id"]),
        enterprise_id=enterprise.get("id"),
        app_id=response["app_id"],
        bot_user_id=response["bot_user_id"],
        bot_token=Secret(token),
        scopes=scopes,
        installed_by=str(user.get("id", "")),
        installed_at=int(now),
    )
