"""Who somebody is, as Slack says.

https://docs.slack.dev/reference/methods/users.info
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bot.core.policy import Profile
from bot.core.secret import Secret
from bot.outbound.slack_web import TIMEOUT, verdict


class ScopeMissingError(Exception):
    """The app was installed without `users:read`."""


class _NobodyError(Exception):
    """The workspace has no such person, or does not show them to the app."""


_REFUSALS = {
    **dict.fromkeys(("user_not_found", "user_not_visible", "users_not_found"), _NobodyError),
    "missing_scope": ScopeMissingError,
}
_STRANGER = Profile(team_id="", is_stranger=True)


class SlackPeople:
    """Calls of users.info; each bounded by 5 s and made once."""

    def __init__(self, web: AsyncWebClient) -> None:
        self._web = web

    async def profile(self, token: Secret, user_id: str) -> Profile:
        """What Slack says of a person; whom it does not know is a stranger.

        Raises ScopeMissingError or SlackUnreachableError.
        """
        try:
            with verdict(_REFUSALS):
                async with asyncio.timeout(TIMEOUT):
                    answer = await self._web.users_info(token=token.reveal(), user=user_id)
                return _read_profile(answer.get("user"))
        except _NobodyError:
            return _STRANGER


def _read_profile(user: object) -> Profile:
    """Raises ValueError for what is no person."""
    if not isinstance(user, dict):
        raise ValueError("no person")  # noqa: TRY004 - as for any other JSON that is not Slack's
    enterprise = user.get("enterprise_user")
    enterprise = enterprise if isinstance(enterprise, dict) else {}
    teams = enterprise.get("teams")
    return Profile(
        team_id=_text(user, "team_id"),
        enterprise_id=_text(enterprise, "enterprise_id"),
        teams=frozenset(team for team in teams if isinstance(team, str)) if isinstance(teams, list) else frozenset(),
        is_admin=_any(user, "is_admin", "is_owner", "is_primary_owner"),
        is_guest=_any(user, "is_restricted", "is_ultra_restricted"),
        is_bot=_any(user, "is_bot"),
        is_deactivated=_any(user, "deleted"),
        is_stranger=_any(user, "is_stranger"),
    )


def _text(holder: Mapping[str, Any], name: str) -> str:
    value = holder.get(name)
    return value if isinstance(value, str) else ""


def _any(user: Mapping[str, Any], *names: str) -> bool:
    return any(user.get(name) is True for name in names)
