"""Messages with buttons, as alerts have them."""

from collections.abc import Mapping

from bot.sim.slack import Message, SimSlack

Part = dict[str, object]

ID = "3f2b8c1e-7d4a-4f0b-9a56-0c1d2e3f4a5b"


def button(action_id: str = "anchor_pause", value: str = ID, **more: object) -> Part:
    return {
        "type": "button",
        "action_id": action_id,
        "text": {"type": "plain_text", "text": "Pause"},
        "value": value,
    } | more


def actions(*elements: Mapping[str, object], **more: object) -> Part:
    return {"type": "actions", "elements": list(elements)} | more


def section(text: str, **more: object) -> Part:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}} | more


ALERT = [section("*High spend*", block_id="alert"), actions(button(style="danger"), block_id="anchor_actions")]


def legacy_button(**more: object) -> Part:
    return {"type": "button", "name": "pause", "text": "Pause session", "value": ID} | more


def attachment(*actions: Mapping[str, object], **more: object) -> Part:
    return {"text": "High spend", "callback_id": "anchor_pause_legacy", "actions": list(actions)} | more


def alert(slack: SimSlack, *, thread_ts: str | None = None) -> Message:
    return slack.post(slack.alerts, "High spend", blocks=ALERT, thread_ts=thread_ts)


def legacy_alert(slack: SimSlack, **action: object) -> Message:
    return slack.post(slack.alerts, "", attachments=[attachment(legacy_button(**action))])
