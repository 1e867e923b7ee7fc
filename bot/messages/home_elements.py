"""The buttons and menus for admins, and their `action_id`s."""

from bot.messages.blocks import Block, option, plain_text

SET_KEY = "anchor_set_key"
REMOVE_KEY = "anchor_remove_key"
KEY_MENU = "anchor_key_menu"
CHANGE_POLICY = "anchor_change_policy"
ALERTS_CHANNEL = "anchor_alerts_channel"
TEST_ALERT = "anchor_test_alert"
ALERTS_TOKEN = "anchor_alerts_token"  # noqa: S105 - the name of a button
HISTORY = "anchor_history"
"""The `action_id` of each; the modal that a control opens has it as its `callback_id`.

REMOVE_KEY was also a button of earlier versions, which a Home can still show.
"""


def set_key_button(verb: str) -> Block:
    """Return the button that opens the modal for the key; `verb` is "Set" or "Replace"."""
    return _button(SET_KEY, f"{verb} Anchor API key") | {"style": "primary"}


def key_menu() -> Block:
    """Return the menu that replaces or removes the key; the value of an option names the modal."""
    options = [option("Replace key", SET_KEY), option("Remove key", REMOVE_KEY)]
    return {"type": "overflow", "action_id": KEY_MENU, "options": options}


def change_policy_button() -> Block:
    """Return the button that opens the modal for the policy."""
    return _button(CHANGE_POLICY, "Edit permissions")


def test_alert_button() -> Block:
    """Return the button that posts a test alert."""
    return _button(TEST_ALERT, "Send a test alert")


def alerts_token_button() -> Block:
    """Return the button that opens the modal with the URL and a new token for alerts."""
    return _button(ALERTS_TOKEN, "Alert URL and token")


def history_button() -> Block:
    """Return the button that opens the modal with past orders."""
    return _button(HISTORY, "Search all")


def alerts_channel_select(chosen: str | None) -> Block:
    """Return the menu that chooses the channel for alerts.

    Slack keeps what somebody has chosen while block and element have the same ids, so a block with it needs a new one
    when it is to show the stored one. https://docs.slack.dev/reference/views
    """
    initial = {"initial_conversation": chosen} if chosen else {}
    return {
        "type": "conversations_select",
        "action_id": ALERTS_CHANNEL,
        "placeholder": plain_text("Choose a channel"),
        "filter": {
            "include": ["public", "private"],
            "exclude_bot_users": True,
            "exclude_external_shared_channels": True,  # the people of the other company would read the alerts
        },
        **initial,
    }


def _button(action_id: str, label: str) -> Block:
    return {"type": "button", "action_id": action_id, "text": plain_text(label)}
