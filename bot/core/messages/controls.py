"""What admins press and choose, by the names that come back from Slack."""

from bot.core.messages.blocks import Block, confirm, plain_text

SET_KEY = "anchor_set_key"
REMOVE_KEY = "anchor_remove_key"
CHANGE_POLICY = "anchor_change_policy"
ALERTS_CHANNEL = "anchor_alerts_channel"
TEST_ALERT = "anchor_test_alert"
ALERTS_TOKEN = "anchor_alerts_token"  # noqa: S105 - the name of a button
"""The `action_id` of each; the dialog that a button opens has the same as its `callback_id`."""


def set_key_button(verb: str) -> Block:
    """Opens the dialog for the key, which is to "Set" or to "Replace" it."""
    return _button(SET_KEY, f"{verb} Anchor API key") | {"style": "primary"}


def remove_key_button(version: int, ending: str) -> Block:
    """Removes the key, as it is in that version."""
    named = f" ending {ending}" if ending else ""
    question = f"The key{named} is deleted here. Until another is set, nobody can pause or resume from Slack."
    asked = confirm("Remove the Anchor key?", question, "Remove")
    return _button(REMOVE_KEY, "Remove key") | {"style": "danger", "value": str(version), "confirm": asked}


def change_policy_button() -> Block:
    """Opens the dialog for who may do what."""
    return _button(CHANGE_POLICY, "Change who may")


def test_alert_button() -> Block:
    """Posts a test alert."""
    return _button(TEST_ALERT, "Send a test alert")


def alerts_token_button() -> Block:
    """Opens the dialog with the URL for alerts, from which a new token can be had."""
    return _button(ALERTS_TOKEN, "Alert URL and token")


def alerts_channel_select(chosen: str | None) -> Block:
    """Chooses where alerts go.

    Slack keeps what somebody has chosen while block and element have the same ids, so a block with it needs a new one
    when it is to show what holds. https://docs.slack.dev/reference/views
    """
    initial = {"initial_conversation": chosen} if chosen else {}
    return {
        "type": "conversations_select",
        "action_id": ALERTS_CHANNEL,
        "placeholder": plain_text("Choose a channel"),
        "filter": {"include": ["public", "private"], "exclude_bot_users": True},
        **initial,
    }


def _button(action_id: str, label: str) -> Block:
    return {"type": "button", "action_id": action_id, "text": plain_text(label)}
