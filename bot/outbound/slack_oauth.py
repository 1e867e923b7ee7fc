"""Exchange the code that Slack sends back for an installation, and read what was granted.

https://docs.slack.dev/authentication/installing-with-oauth
"""

import asyncio
import base64
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode, urljoin

import aiohttp
from slack_sdk.errors import SlackApiError

from bot.core.installation import (
    SCOPES,
    CodeRefused,
    ExchangeProblem,
    GrantProblem,
    Installation,
    OrgWide,
    RefusedBySlack,
    ScopesDeclined,
    SlackSilent,
    TokenRotates,
    WrongRedirect,
)
from bot.core.secret import Secret
from bot.core.slack_id import SLACK_ID
from bot.outbound.slack_web import NO_ANSWER_OF_SLACKS, open_web

_TIMEOUT = 10.0  # somebody watches a page load, so there is time
_CODE_REFUSED = {"invalid_code", "code_already_used", "code_expired"}
_WRONG_REDIRECT = {"bad_redirect_uri", "oauth_authorization_url_mismatch"}


class SlackOAuth:
    """The Slack app as OAuth knows it; `redirect_uri` is where Slack sends people back to."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        api_url: str,
        client_id: str,
        client_secret: Secret,
        redirect_uri: str,
    ) -> None:
        self._web = open_web(session, api_url)
        self._page = urljoin(api_url, "/oauth/v2/authorize")
        self._client_id = client_id
        self._client_secret = client_secret
        self._redirect_uri = redirect_uri

    def consent_url(self, state: Secret) -> str:
        """The page of Slack's on which a person chooses the workspace and says yes or no."""
        asked = {
            "client_id": self._client_id,
            "scope": ",".join(SCOPES),
            "redirect_uri": self._redirect_uri,
            "state": state.reveal(),
        }
        return f"{self._page}?{urlencode(asked)}"

    async def exchange(self, code: Secret, *, now: float) -> Installation | GrantProblem | ExchangeProblem:
        """The installation that `code` stands for. A code is good once, for 10 minutes.

        It is dated by Slack's clock, as Slack's events are, or by `now` (Unix seconds) where Slack names no date.

        https://docs.slack.dev/reference/methods/oauth.v2.access
        """
        try:
            async with asyncio.timeout(_TIMEOUT):
                answer = await self._web.api_call(
                    "oauth.v2.access",
                    data={"code": code.reveal(), "redirect_uri": self._redirect_uri},
                    headers={"Authorization": self._credentials()},
                )
        except SlackApiError as error:
            return read_refusal(getattr(error.response, "data", None))
        except NO_ANSWER_OF_SLACKS:
            return SlackSilent()
        return read_grant(answer.data, now=read_date(answer.headers, otherwise=now))

    def _credentials(self) -> str:
        """https://www.rfc-editor.org/rfc/rfc7617; slack_sdk 3.48 makes them in a way that aiohttp warns of."""
        pair = f"{self._client_id}:{self._client_secret.reveal()}"
        return f"Basic {base64.b64encode(pair.encode()).decode()}"


def read_date(headers: Mapping[str, str], *, otherwise: float) -> float:
    """When an answer was given, in Unix seconds: https://www.rfc-editor.org/rfc/rfc9110#name-date."""
    try:
        return parsedate_to_datetime(headers.get("Date", "")).timestamp()
    except ValueError:
        return otherwise


def read_refusal(answer: object) -> ExchangeProblem:
    """What Slack's error means."""
    code = answer.get("error") if isinstance(answer, dict) else None
    if not isinstance(code, str) or not code:
        return SlackSilent()
    if code in _CODE_REFUSED:
        return CodeRefused()
    return WrongRedirect() if code in _WRONG_REDIRECT else RefusedBySlack(code)


def read_grant(answer: object, *, now: float) -> Installation | GrantProblem:
    """What was granted, if it is what the bot needs: one workspace, all scopes, a token that lasts."""
    if not isinstance(answer, dict):
        return SlackSilent()
    if answer.get("is_enterprise_install"):
        return OrgWide()
    scopes = tuple(scope for scope in str(answer.get("scope", "")).split(",") if scope)
    if missing := tuple(scope for scope in SCOPES if scope not in scopes):
        return ScopesDeclined(missing)
    if "refresh_token" in answer:
        return TokenRotates()
    return _installation(answer, scopes, now) or SlackSilent()


def _installation(answer: Mapping[str, Any], scopes: tuple[str, ...], now: float) -> Installation | None:
    team, enterprise, user = (_object(answer, name) for name in ("team", "enterprise", "authed_user"))
    token, ids = answer.get("access_token"), (team.get("id"), answer.get("bot_user_id"), answer.get("app_id"))
    if not (isinstance(token, str) and token and all(isinstance(one, str) and SLACK_ID.fullmatch(one) for one in ids)):
        return None
    return Installation(
        team_id=team["id"],
        team_name=str(team.get("name") or team["id"]),
        enterprise_id=enterprise.get("id"),
        app_id=answer["app_id"],
        bot_user_id=answer["bot_user_id"],
        bot_token=Secret(token),
        scopes=scopes,
        installed_by=str(user.get("id", "")),
        installed_at=int(now),
    )


def _object(holder: Mapping[str, Any], field: str) -> Mapping[str, Any]:
    value = holder.get(field)
    return value if isinstance(value, dict) else {}
