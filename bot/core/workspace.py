"""A Slack workspace that the bot serves, and the secrets that belong to it alone."""

from dataclasses import dataclass

from bot.core.secret import Secret


@dataclass(frozen=True, slots=True)
class Workspace:
    """`team_id` is None until Slack has told whose the token is."""

    team_id: str | None
    bot_token: Secret
    anchor_api_key: Secret
