"""The parsers that look for session ids in foreign text, each with the longest text that it accepts."""

from collections.abc import Callable

from bot.core.message_ids import find_mentions
from bot.core.session_id import find_session_id
from bot.inbound.alerts.generic import MAX_LENGTH, read_alert

PARSERS: dict[str, tuple[Callable[[str], object], int]] = {
    "a command": (find_session_id, 40_000),
    "an alert": (lambda text: read_alert({"session_id": text, "text": "It spends."}), MAX_LENGTH),
    "a message": (lambda text: find_mentions({"text": text}), 100_000),
}
