"""Look people up in Slack (https://docs.slack.dev/reference/methods/users.info)."""

import asyncio
import time
from collections.abc import Mapping
from math import inf
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bot.core.json_fields import object_field, text_field
from bot.core.policy import Profile
from bot.core.secret import Secret
from bot.core.slack_ids import TOKEN_REFUSED
from bot.outbound.slack.errors import SlackUnreachableError, call

_BACKOFFS = (0.2, 0.5)  # seconds between the attempts
_RETRY_TIME = 1.5  # seconds in which attempts begin; Slack waits 3 seconds for an ack
_FIRST_BACKOFF_IF_LIMITED = 0.5  # seconds, whatever Slack says: its limit can be over already
LONGEST_LOOKUP = 20.0
"""Seconds in which attempts for an order begin while Slack limits the rate: an order's deadline by default."""

_NO_PROFILE: dict[str, Profile | None] = {
    **dict.fromkeys(("user_not_found", "user_not_visible", "users_not_found"), Profile(team_id="", is_stranger=True)),
    "missing_scope": None,
}


class _NoProfileError(Exception):
    """Slack refused with an error code of _NO_PROFILE."""


_REFUSALS = dict.fromkeys(_NO_PROFILE, _NoProfileError)


async def fetch_profile(web: AsyncWebClient, token: Secret, user_id: str) -> Profile | None:
    """Return a person's profile: a stranger's if unknown, None without the scope. Raises SlackUnreachableError.

    One attempt, with a timeout of 5 s.
    """
    try:
        response = await call(web.users_info(token=token.reveal(), user=user_id), _REFUSALS)
    except _NoProfileError as error:
        return _NO_PROFILE[str(error)]
    return _read_profile(response.get("user"))


async def fetch_profile_with_retries(
    web: AsyncWebClient, token: Secret, user_id: str, *, while_limited: float = _RETRY_TIME
) -> Profile | None:
    """Fetch a profile, and repeat failures that may pass while an ack can wait. Raises SlackUnreachableError.

    While Slack limits the rate, attempts begin for `while_limited` seconds: the second soon, the others as Slack says.
    https://docs.slack.dev/apis/web-api/rate-limits
    """
    began, failures, limits = time.monotonic(), 0, 0
    while True:
        try:
            return await fetch_profile(web, token, user_id)
        except SlackUnreachableError as error:
            if error.after is None:
                failures, longest = failures + 1, _RETRY_TIME
                delay = _BACKOFFS[failures - 1] if failures <= len(_BACKOFFS) else inf
            else:
                limits, longest = limits + 1, while_limited
                delay = _FIRST_BACKOFF_IF_LIMITED if limits == 1 else max(_FIRST_BACKOFF_IF_LIMITED, error.after)
            if str(error) in TOKEN_REFUSED or time.monotonic() + delay > began + longest:
                raise
        await asyncio.sleep(delay)


def _read_profile(user: object) -> Profile:
    """Return the profile of a user object. Raises SlackUnreachableError if it is none."""
    if not isinstance(user, dict):
        raise SlackUnreachableError("response without a user")
    enterprise = object_field(user, "enterprise_user")
    teams = enterprise.get("teams")
    return Profile(
        team_id=text_field(user, "team_id"),
        enterprise_id=text_field(enterprise, "enterprise_id"),
        teams=frozenset(team for team in teams if isinstance(team, str)) if isinstance(teams, list) else frozenset(),
        is_admin=_any(user, "is_admin", "is_owner", "is_primary_owner"),
        is_guest=_any(user, "is_restricted", "is_ultra_restricted"),
        is_bot=_any(user, "is_bot"),
        is_deactivated=_any(user, "deleted"),
        is_stranger=_any(user, "is_stranger"),
    )


def _any(user: Mapping[str, Any], *names: str) -> bool:
    return any(user.get(name) is True for name in names)
