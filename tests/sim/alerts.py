"""Alerts in #alerts, with Block Kit buttons or with the legacy buttons of attachments."""

from harness.blocks import Block, actions, button, section
from harness.texts import SESSION

ALERT = [section("*High spend*", block_id="alert"), actions(button(style="danger"), block_id="anchor_actions")]


def legacy_button(**more: object) -> Block:
    return {"type": "button", "name": "pause", "text": "Pause session", "value": SESSION} | more


def attachment(*actions: Block, **more: object) -> Block:
    return {"text": "High spend", "callback_id": "anchor_pause_legacy", "actions": list(actions)} | more
