"""A Slack workspace that the bot serves, and the secrets that belong to it alone."""

from dataclasses import dataclass

from bot.core.secret import Secret


@dataclass(frozen=True, slots=True)
class Workspace:
    """`team_id` is None until Slack has told whose the token is; `anchor_api_key` until somebody has set one.

    Programs that send the token of `alerts_token_digest` may post alerts here, in `alerts_channel` if they name none.
    """

    team_id: str | None
    bot_token: Secret
    anchor_api_key: Secret | None
    alerts_token_digest: str | None = None
    alerts_channel: str | None = None
