"""The errors for a program whose alert was not posted, or possibly not."""

from bot.core.slack_ids import TOKEN_REFUSED

WRONG_TOKEN = "The token is missing or wrong: send Authorization: Bearer and the alerts token of this workspace."  # noqa: S105 - a sentence
NO_JSON = "The body is no JSON: send an object with session_id and text."
NO_CHANNEL = "channel is missing, and the workspace has no default one: name a channel's id."
STOPPING = "Nothing was posted: the bot is being stopped. Send the alert again in a minute."
CUT_SHORT = "The bot was stopped while it posted the alert: it may have been posted. Look into the channel."
STORE_FAILED = "Nothing was posted: the bot can't read its database. Send the alert again in a few seconds."
BUSY = "Nothing was posted: the bot is posting too many alerts. Send the alert again in a few seconds."
LIMITED = "Nothing was posted: Slack takes no more messages for now. Send the alert again later."
DOUBTFUL = "Slack was sent the alert and did not answer: it may have been posted. Look into the channel."

_ADVICE = {
    "not_in_channel": "The bot is no member of {channel}: invite the bot: /invite @anchor in that channel.",
    "channel_not_found": "Slack knows no channel {channel}, or the bot is no member of it: check the id, and if it is "
    "private, invite the bot: /invite @anchor in that channel.",
    "ratelimited": "Slack takes no more messages for now: wait a minute.",
    "is_archived": "The channel {channel} is archived: unarchive it, or name another one.",
    "missing_scope": "The Slack app lacks the scope chat:write: add it in the app's settings and reinstall the app.",
    "messages_tab_disabled": "{channel} is a direct message, and the app takes none: turn on the Messages Tab under "
    "App Home, or name a channel.",
}
_BAD_TOKEN = "Slack refuses the bot's token: the app must be installed again in this workspace."  # noqa: S105
_UNKNOWN = "Slack refuses the alert for {channel} ({code}): look the code up under chat.postMessage."


def refused_by_slack(code: str, channel: str) -> str:
    """Return the advice about Slack's error `code`; nothing was posted."""
    advice = _BAD_TOKEN if code in TOKEN_REFUSED else _ADVICE.get(code, _UNKNOWN)
    return "Nothing was posted. " + advice.format(channel=channel, code=code)


def not_taken_by_slack(why: str) -> str:
    """Return the advice if Slack is unreachable or fails; `why` names the failure."""
    return f"Slack did not take the alert ({why}). Send it again: at worst it shows twice."


def broken(incident_id: str) -> str:
    """Return the error for an unexpected exception."""
    return (
        f"Something broke in the bot itself (incident {incident_id}): the alert may have been posted. Look into the "
        "channel; the bot's log has the details."
    )
