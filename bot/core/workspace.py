"""A Slack workspace that the bot serves, and what belongs to it alone."""

from dataclasses import dataclass

from bot.core.anchor_key import AnchorKey
from bot.core.policy import EVERYBODY, Policy
from bot.core.secret import Secret


@dataclass(frozen=True, slots=True)
class Workspace:
    """`team_id` is None until Slack has told whose the token is; `anchor_key` until somebody has set one.

    Programs that send the token of `alerts_token_digest` may post alerts here, in `alerts_channel` if they name none.
    The versions count the changes of each: whoever changes one says which they have seen.
    Where `is_managed`, the workspace's admins change all this in Slack; else whoever runs the bot does, in its
    settings.
    """

    team_id: str | None
    bot_token: Secret
    anchor_key: AnchorKey | None
    policy: Policy = EVERYBODY
    alerts_token_digest: str | None = None
    alerts_channel: str | None = None
    key_version: int = 0
    policy_version: int = 0
    alerts_token_version: int = 0
    installed_by: str | None = None
    is_managed: bool = False

    def serves(self, team_id: str) -> bool:
        """Whether a request from `team_id`, the installing team of a verified payload, may use the workspace's key.

        Until Slack has said whose the bot token is, every verified request counts as its own: the signature shows that
        it came for this app, and a brake that waits for Slack to come back is none.
        """
        return self.team_id is None or self.team_id == team_id
