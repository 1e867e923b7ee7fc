"""The direct messages about changes of a workspace's settings."""

from bot.core.policy import Policy
from bot.core.requests import Verb
from bot.core.workspace import AnchorKey, KeyCheck
from bot.messages.home_status import reinstall_advice
from bot.messages.markup import channel, code, mention
from bot.messages.message import Message, ephemeral
from bot.messages.phrases import IN_HOME
from bot.messages.policy import who_can

_IF_NOT_MEANT = f"If that was not meant, it can be changed {IN_HOME}."
_CHECKS = {
    KeyCheck.VERIFIED: "Anchor accepts it.",
    KeyCheck.UNVERIFIED: "It is not verified: Anchor did not say whether it is good.",
    KeyCheck.REFUSED: "Anchor refuses it.",
}


def named_key(key: AnchorKey) -> str:
    """Name the key by its last characters, if it is long enough to show some."""
    return f"ending {code(key.ending)}" if key.ending else "(too short to show its end)"


def key_set_message(by: str, key: AnchorKey, before: AnchorKey | None) -> Message:
    """Return the notice that a key was set or replaced."""
    known = _CHECKS[key.check]
    if before is None:
        return ephemeral(f"{mention(by)} set the Anchor key {named_key(key)}. {known}", _IF_NOT_MEANT)
    return ephemeral(
        f"{mention(by)} replaced the Anchor key {named_key(before)} by one {named_key(key)}. {known}", _IF_NOT_MEANT
    )


def key_removed_message(by: str, key: AnchorKey) -> Message:
    """Return the notice that the key was removed."""
    return ephemeral(
        f"{mention(by)} removed the Anchor key {named_key(key)}. Until another is set, nobody can pause or resume a "
        "session from Slack.",
        _IF_NOT_MEANT,
    )


def policy_message(by: str, policy: Policy) -> Message:
    """Return the notice that the policy was changed."""
    return ephemeral(
        f"{mention(by)} changed who can pause and resume.",
        who_can(Verb.PAUSE, policy.pause),
        who_can(Verb.RESUME, policy.resume),
        _IF_NOT_MEANT,
    )


def alerts_channel_message(by: str, channel_id: str) -> Message:
    """Return the notice that another channel for alerts was chosen."""
    return ephemeral(f"{mention(by)} chose {channel(channel_id)} for alerts.", _IF_NOT_MEANT)


def alerts_token_message(by: str) -> Message:
    """Return the notice that a new alerts token was made."""
    return ephemeral(f"{mention(by)} made a new token for alerts. The previous one no longer works.", _IF_NOT_MEANT)


def key_refused_message(key: AnchorKey, *, by_admins: bool) -> Message:
    """Return the notice that Anchor rejects the key; `by_admins` says who can replace it."""
    advice = f"Replace it {IN_HOME}." if by_admins else "The operator of this bot must set another one."
    return ephemeral(
        f"⚠️ Anchor refuses this workspace's API key {named_key(key)}: nobody can pause or resume a session from Slack.",
        f"{advice} You are told this once for each key.",
    )


def reinstall_message(install_url: str) -> Message:
    """Return the notice that the app must be reinstalled with the scope `users:read`, on the page `install_url`."""
    return ephemeral(
        "⚠️ This app was installed without the scope `users:read`, so it can't tell guests from members, nor who is an "
        "admin: everybody in the workspace can pause and resume, and nobody can change its settings in Slack.",
        reinstall_advice(["users:read"], install_url=install_url),
    )
