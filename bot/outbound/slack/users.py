"""Look up people: https://docs.slack.dev/reference/methods/users.info."""

from collections.abc import Mapping
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bot.core.json_fields import object_field, text_field
from bot.core.policy import Profile
from bot.core.secret import Secret
from bot.outbound.slack.errors import SlackUnreachableError, call


class ScopeMissingError(Exception):
    """The app was installed without `users:read`."""


class _UnknownUserError(Exception):
    """The workspace has no such person, or hides them from the app."""


_REFUSALS = {
    **dict.fromkeys(("user_not_found", "user_not_visible", "users_not_found"), _UnknownUserError),
    "missing_scope": ScopeMissingError,
}
_STRANGER = Profile(team_id="", is_stranger=True)


class SlackUsers:
    """Calls of users.info: one attempt each, with a timeout of 5 s."""

    def __init__(self, web: AsyncWebClient) -> None:
        self._web = web

    async def profile(self, token: Secret, user_id: str) -> Profile:
        """Return a person's profile: a stranger's if unknown. Raises ScopeMissingError or SlackUnreachableError."""
        try:
            response = await call(self._web.users_info(token=token.reveal(), user=user_id), _REFUSALS)
        except _UnknownUserError:
            return _STRANGER
        return _read_profile(response.get("user"))


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
